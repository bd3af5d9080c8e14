"""The operator's API. Reads its parameters, calls one service, shows the answer."""

from __future__ import annotations

import itertools
import time
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from flask import Blueprint, Response, g, request

from payments.actions import DISCARD, REPLAY, RETRY, Action, preview
from payments.database import snapshot
from payments.dry_run import dry_run
from payments.events import (
    DEFAULT_LIMIT,
    EventFilter,
    describe,
    describe_whole,
    get_event,
    list_events,
)
from payments.models import DEAD
from payments.operations import Actor, operate
from payments.plain_json import dumps
from payments.queueing import job_queue
from payments.rehearsal import Rehearsal
from payments.web.auth import require_admin, require_operator
from payments.web.parameters import (
    BulkRequest,
    event_key,
    read_bulk_request,
    read_filter,
    read_flag,
    read_integer,
    read_query,
    read_request_for,
)

# Dry runs call handlers, and each holds locks while it does; what is left then is said.
REHEARSAL_SECONDS = 20.0

blueprint = Blueprint("admin", __name__, url_prefix="/admin")
blueprint.before_request(require_admin)


@blueprint.get("/events")
def events() -> Response:
    query = read_query()
    return _page(query, read_filter(query, conflicts=read_flag(query, "conflicts")))


@blueprint.get("/dlq")
def dead_letters() -> Response:
    query = read_query()
    return _page(query, read_filter(query, status=DEAD, conflicts=read_flag(query, "conflicts")))


@blueprint.get("/events/<id>")
def event(id: str) -> Response:
    with snapshot() as session:
        return _json(describe_whole(session, get_event(session, event_key(id))))


@blueprint.post("/dlq/retry")
def retry_dead_letters() -> Response:
    require_operator()
    return _bulk(RETRY, read_bulk_request(RETRY))


@blueprint.post("/dlq/discard")
def discard_dead_letters() -> Response:
    require_operator()
    return _bulk(DISCARD, read_bulk_request(DISCARD))


@blueprint.post("/events/replay")
def replay_events() -> Response:
    require_operator()
    bulk = read_bulk_request(REPLAY)
    return _rehearse(bulk.bounded().ids) if bulk.dry_run else _bulk(REPLAY, bulk)


@blueprint.post("/events/<id>/replay")
def replay_event(id: str) -> Response:
    require_operator()
    with snapshot() as session:
        meant = get_event(session, event_key(id)).id
    bulk = read_request_for(meant)
    return _json(dry_run(meant).describe()) if bulk.dry_run else _bulk(REPLAY, bulk)


def _bulk(action: Action, bulk: BulkRequest) -> Response:
    """Do it to the chosen events, or say which ones that would be."""
    if bulk.dry_run:
        with snapshot() as session:
            return _json(preview(session, action, bulk.ids).describe())
    actor = Actor(name=g.admin.name, request_id=g.request_id)
    results = list(operate(action, bulk.bounded().ids, actor, job_queue(), bulk.reason))
    skipped = [vars(result) for result in results if not result.done]
    done = len(results) - len(skipped)
    return _json({"matched": len(bulk.ids), "done": done, "skipped": skipped})


def _rehearse(ids: list[int]) -> Response:
    """Dry-run the chosen events, for as long as a client may be kept waiting."""
    deadline = time.monotonic() + REHEARSAL_SECONDS
    rehearsal = Rehearsal.of(ids)
    rehearsal.run(itertools.takewhile(lambda _: time.monotonic() < deadline, list(rehearsal.ids)))
    return _json(rehearsal.describe())


def _page(query: Mapping[str, str], which: EventFilter) -> Response:
    limit = read_integer(query, "limit")
    with snapshot() as session:
        page = list_events(
            session,
            which,
            limit=DEFAULT_LIMIT if limit is None else limit,
            before=read_integer(query, "cursor"),
        )
        response = _json([describe(event) for event in page.events])
    if page.next_cursor is not None:
        following = urlencode({**query, "cursor": page.next_cursor})
        response.headers["Link"] = f'<{request.base_url}?{following}>; rel="next"'
    return response


def _json(body: Any) -> Response:
    return Response(dumps(body) + "\n", mimetype="application/json")
