"""`/admin/dlq`: dead letters one by one and by their cause, retried or discarded."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from flask import Response

from payments.actions import DISCARD, RETRY
from payments.database import snapshot
from payments.dead_letter_groups import get_group, list_groups
from payments.events import MOST_COUNTED, EventFilter, count_events, describe, list_events
from payments.models import DEAD, utc_now
from payments.web.api import operations
from payments.web.api.blueprint import ApiBlueprint, key_in_path
from payments.web.api.paging import page_response, place_of
from payments.web.api.schemas.events import DeadCountQuery, DeadLettersQuery, Event, event_filter
from payments.web.api.schemas.groups import Count, Groups, WholeGroup
from payments.web.api.schemas.operations import Done, OperationBody, Preview, either
from payments.web.auth import require_admin
from payments.web.keys import key_of
from payments.web.responses import json_response

blueprint = ApiBlueprint(
    "dead-letters", url_prefix="/admin/dlq", description="Events that failed for good"
)
blueprint.before_request(require_admin)


@blueprint.get("")
@blueprint.asks(DeadLettersQuery)
@blueprint.answers(Event, many=True, paged=True, description="Dead letters, the newest first.")
def list_dead_letters(asked: dict[str, Any]) -> Response:
    """List dead letters, the newest first"""
    before = place_of(asked)
    with snapshot() as session:
        page = list_events(session, _dead(asked), limit=asked["limit"], before=before)
        return page_response(page, describe)


@blueprint.get("/count")
@blueprint.asks(DeadCountQuery)
@blueprint.answers(Count, description="Their number.")
def count_dead_letters(asked: dict[str, Any]) -> Response:
    """Count dead letters"""
    with snapshot() as session:
        count = count_events(session, _dead(asked), most=MOST_COUNTED + 1)
    more = count > MOST_COUNTED
    return json_response({"count": min(count, MOST_COUNTED), "more": more})


@blueprint.get("/groups")
@blueprint.answers(Groups, description="The groups, those with most dead letters first.")
def list_dead_letter_groups() -> Response:
    """List dead letters by their cause"""
    with snapshot() as session:
        return json_response(list_groups(session, utc_now()).describe())


@blueprint.get("/groups/<id>", parameters=key_in_path("the group"))
@blueprint.answers(WholeGroup, refuses=[404], description="The group.")
def show_dead_letter_group(id: str) -> Response:
    """Show a group of dead letters with its types and its newest event"""
    with snapshot() as session:
        return json_response(get_group(session, key_of(id, "group"), utc_now()).describe())


@blueprint.post("/retry")
@blueprint.for_operators
@blueprint.takes(OperationBody)
@blueprint.answers(either(Done, Preview), description="What was done, or would be.")
def retry_dead_letters(asked: dict[str, Any]) -> Response:
    """Give dead letters a new budget of attempts"""
    return operations.run(RETRY, operations.chosen(RETRY, asked), asked)


@blueprint.post("/discard")
@blueprint.for_operators
@blueprint.takes(OperationBody)
@blueprint.answers(either(Done, Preview), description="What was done, or would be.")
def discard_dead_letters(asked: dict[str, Any]) -> Response:
    """Give dead letters up, and say why"""
    return operations.run(DISCARD, operations.chosen(DISCARD, asked), asked)


def _dead(asked: dict[str, Any]) -> EventFilter:
    return replace(event_filter(asked), status=DEAD)
