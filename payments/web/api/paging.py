"""Pages of lists: the way to the next one, by a cursor that belongs to its filter.

A cursor is the key below which the page begins. Where there is a filter, a digest of it follows:
under another filter the same key would silently skip rows.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, TypeVar
from urllib.parse import urlencode

from flask import Response, request

from payments.errors import InvalidQuery
from payments.pages import Page
from payments.plain_csv import csv_lines
from payments.web.responses import json_response

CURSOR = re.compile(r"([0-9]{1,19})(?:\.([0-9a-f]{16}))?")
NOT_FILTERS = ("limit", "cursor", "format")

Row = TypeVar("Row")


def place_of(asked: Mapping[str, Any]) -> int | None:
    """The key below (or above) which the page begins; None for the first one.

    Raises:
        InvalidQuery: the cursor is none, or belongs to another filter.
    """
    cursor = asked.get("cursor")
    if cursor is None:
        return None
    match = CURSOR.fullmatch(cursor)
    if match is None:
        raise InvalidQuery("cursor: use the one of the Link header.")
    if (match[2] or "") != _digest():
        raise InvalidQuery("cursor: it belongs to another filter; begin again without it.")
    return int(match[1])


def given(asked: Mapping[str, Any], filters: Iterable[str]) -> dict[str, Any]:
    """Those of the `filters` that were asked for."""
    return {name: asked[name] for name in filters if name in asked}


def page_response(page: Page[Row], describe: Callable[[Row], dict[str, Any]]) -> Response:
    """The rows as a JSON list; `Link: rel="next"` asks the same for what comes after."""
    return with_next(json_response([describe(row) for row in page.rows]), page.next_cursor)


def json_or_csv_response(
    asked: Mapping[str, Any],
    page: Page[Row],
    describe: Callable[[Row], dict[str, Any]],
    columns: Sequence[str],
) -> Response:
    """The same, or as CSV where its `format` was asked for."""
    if asked["format"] != "csv":
        return page_response(page, describe)
    lines = csv_lines(map(describe, page.rows), columns)
    return with_next(Response("".join(lines), mimetype="text/csv"), page.next_cursor)


def with_next(response: Response, next_cursor: int | None) -> Response:
    """`response` with the address of the next page, if there is one."""
    if next_cursor is not None:
        digest = _digest()
        cursor = f"{next_cursor}.{digest}" if digest else str(next_cursor)
        following = urlencode({**_given(), "cursor": cursor})
        response.headers["Link"] = f'<{request.base_url}?{following}>; rel="next"'
    return response


def _given() -> dict[str, str]:
    return {name: value for name, value in request.args.items() if value}


def _digest() -> str:
    """Names the list and its filter as they were asked for; empty where there is no filter."""
    filters = sorted(it for it in _given().items() if it[0] not in NOT_FILTERS)
    if not filters:
        return ""
    named = urlencode([("", request.path), *filters]).encode("utf-8", "surrogatepass")
    return hashlib.sha256(named).hexdigest()[:16]
