"""Answers of the operator's API: JSON, and a page of a list with the way to the next one."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeVar
from urllib.parse import urlencode

from flask import Response, request

from payments.pages import Page
from payments.plain_json import dumps

Row = TypeVar("Row")


def json_response(body: Any) -> Response:
    return Response(dumps(body) + "\n", mimetype="application/json")


def page_response(
    query: Mapping[str, str], page: Page[Row], describe: Callable[[Row], dict[str, Any]]
) -> Response:
    """The rows as a JSON list; `Link: rel="next"` asks the same `query` for what comes after."""
    response = json_response([describe(row) for row in page.rows])
    if page.next_cursor is not None:
        following = urlencode({**query, "cursor": page.next_cursor})
        response.headers["Link"] = f'<{request.base_url}?{following}>; rel="next"'
    return response
