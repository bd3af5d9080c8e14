"""The operator's API. Reads its parameters, calls one service, shows the answer."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from flask import Blueprint, Response, current_app, request

from payments.database import snapshot
from payments.errors import InvalidQuery, NotFound
from payments.events import (
    DEFAULT_LIMIT,
    EventFilter,
    describe,
    describe_whole,
    get_event,
    list_events,
)
from payments.variables import FALSE, TRUE
from payments.web.auth import require_admin

blueprint = Blueprint("admin", __name__, url_prefix="/admin")
blueprint.before_request(require_admin)

FILTERS = ("provider", "account", "status", "type", "event_id", "object_id")
INTEGER = re.compile(r"-?[0-9]{1,19}")
PARAMETERS = frozenset({*FILTERS, "conflicts", "limit", "cursor"})


@blueprint.get("/events")
def events() -> Response:
    query = _query()
    which = EventFilter(
        **{name: query[name] for name in FILTERS if name in query}, conflicts=_flag(query)
    )
    limit = _integer(query, "limit", DEFAULT_LIMIT)
    before = _integer(query, "cursor", None)
    with snapshot() as session:
        page = list_events(session, which, limit=limit or 0, before=before)
        response = _json([describe(event) for event in page.events])
    if page.next_cursor is not None:
        following = urlencode({**query, "cursor": page.next_cursor})
        response.headers["Link"] = f'<{request.base_url}?{following}>; rel="next"'
    return response


@blueprint.get("/events/<id>")
def event(id: str) -> Response:
    if not id.isascii() or not id.isdigit() or len(id) > 19:
        raise NotFound("There is no event with this id.")
    with snapshot() as session:
        return _json(describe_whole(get_event(session, int(id))))


def _query() -> dict[str, str]:
    """The query's parameters, each known and given once; empty ones count as absent.

    Raises:
        InvalidQuery: a misspelt filter would otherwise silently widen what is shown.
    """
    for name in request.args:
        if name not in PARAMETERS:
            raise InvalidQuery(f"Unknown parameter; use {', '.join(sorted(PARAMETERS))}.")
        if len(request.args.getlist(name)) > 1:
            raise InvalidQuery(f"{name}: give it once.")
    return {name: value for name, value in request.args.items() if value}


def _integer(query: Mapping[str, str], name: str, default: int | None) -> int | None:
    value = query.get(name)
    if value is None:
        return default
    if not INTEGER.fullmatch(value):
        raise InvalidQuery(f"{name}: use a whole number.")
    return int(value)


def _flag(query: Mapping[str, str]) -> bool | None:
    value = query.get("conflicts")
    if value is None:
        return None
    if value.lower() not in TRUE | FALSE:
        raise InvalidQuery("conflicts: use true or false.")
    return value.lower() in TRUE


def _json(body: Any) -> Response:
    text = current_app.json.dumps(body, default=_plain)
    return Response(text + "\n", mimetype="application/json")


def _plain(value: Any) -> str:
    if isinstance(value, datetime):
        return value.isoformat().replace("+00:00", "Z")
    raise TypeError(f"{type(value).__name__} is not JSON")
