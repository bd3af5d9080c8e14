"""The operator's API. Reads its parameters, calls one service, shows the answer."""

from __future__ import annotations

import itertools
import time
from collections.abc import Mapping

from flask import Blueprint, Response, g

from payments.actions import DISCARD, REPLAY, RETRY, Action, preview
from payments.database import snapshot
from payments.dry_run import dry_run
from payments.events import EventFilter, describe, describe_whole, get_event, list_events
from payments.models import DEAD
from payments.operations import Actor, operate
from payments.queueing import job_queue
from payments.rehearsal import Rehearsal
from payments.web.auth import require_admin, require_operator
from payments.web.parameters import (
    BulkRequest,
    event_key,
    read_bulk_request,
    read_filter,
    read_flag,
    read_place,
    read_query,
    read_request_for,
)
from payments.web.responses import json_response, page_response

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
        return json_response(describe_whole(session, get_event(session, event_key(id))))


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
    return json_response(dry_run(meant).describe()) if bulk.dry_run else _bulk(REPLAY, bulk)


def _bulk(action: Action, bulk: BulkRequest) -> Response:
    """Do it to the chosen events, or say which ones that would be."""
    if bulk.dry_run:
        with snapshot() as session:
            return json_response(preview(session, action, bulk.ids).describe())
    actor = Actor(name=g.admin.name, request_id=g.request_id)
    results = list(operate(action, bulk.bounded().ids, actor, job_queue(), bulk.reason))
    skipped = [vars(result) for result in results if not result.done]
    done = len(results) - len(skipped)
    return json_response({"matched": len(bulk.ids), "done": done, "skipped": skipped})


def _rehearse(ids: list[int]) -> Response:
    """Dry-run the chosen events, for as long as a client may be kept waiting."""
    deadline = time.monotonic() + REHEARSAL_SECONDS
    rehearsal = Rehearsal.of(ids)
    rehearsal.run(itertools.takewhile(lambda _: time.monotonic() < deadline, list(rehearsal.ids)))
    return json_response(rehearsal.describe())


def _page(query: Mapping[str, str], which: EventFilter) -> Response:
    limit, before = read_place(query)
    with snapshot() as session:
        page = list_events(session, which, limit=limit, before=before)
        return page_response(query, page, describe)
