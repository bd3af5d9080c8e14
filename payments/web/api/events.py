"""`/admin/events`: lists, one event, its payload, and replays."""

from __future__ import annotations

from typing import Any

from flask import Response

from payments.actions import REPLAY
from payments.database import snapshot
from payments.dry_run import dry_run
from payments.events import describe, describe_whole, get_event, list_events
from payments.extensions import settings
from payments.observability.masking import Masker
from payments.payloads import masked_payload, reveal_payload
from payments.web.api import operations
from payments.web.api.blueprint import ApiBlueprint, key_in_path
from payments.web.api.paging import page_response, place_of
from payments.web.api.schemas.dry_runs import DryRunOfEvent
from payments.web.api.schemas.events import Event, EventsQuery, Payload, WholeEvent, event_filter
from payments.web.api.schemas.operations import (
    Done,
    OneEventBody,
    OperationBody,
    Rehearsal,
    either,
)
from payments.web.api.schemas.queries import Reason
from payments.web.auth import acting, require_admin
from payments.web.keys import key_of
from payments.web.responses import json_response

blueprint = ApiBlueprint(
    "events", url_prefix="/admin/events", description="Every event that was kept"
)
blueprint.before_request(require_admin)

AN_EVENT = key_in_path("the event")


@blueprint.get("")
@blueprint.asks(EventsQuery)
@blueprint.answers(Event, many=True, paged=True, description="Events, the newest first.")
def list_kept_events(asked: dict[str, Any]) -> Response:
    """List events, the newest first"""
    before = place_of(asked)
    with snapshot() as session:
        page = list_events(session, event_filter(asked), limit=asked["limit"], before=before)
        return page_response(page, describe)


@blueprint.get("/<id>", parameters=AN_EVENT)
@blueprint.answers(WholeEvent, refuses=[404], description="The event.")
def show_event(id: str) -> Response:
    """Show an event with its attempts, effects and payment"""
    with snapshot() as session:
        event = get_event(session, key_of(id, "event"))
        return json_response(describe_whole(session, event))


@blueprint.get("/<id>/payload", parameters=AN_EVENT)
@blueprint.answers(Payload, refuses=[404], description="The payload, masked.")
def show_payload(id: str) -> Response:
    """Show an event's payload without personal data"""
    with snapshot() as session:
        return json_response(masked_payload(session, key_of(id, "event"), _mask()).describe())


@blueprint.post("/<id>/payload/reveal", parameters=AN_EVENT)
@blueprint.for_operators
@blueprint.takes(Reason)
@blueprint.answers(Payload, refuses=[404], description="The payload with personal data.")
def reveal_event_payload(asked: dict[str, Any], id: str) -> Response:
    """Show an event's payload with personal data, and say why

    It stands in the audit log before the answer is sent. Card numbers and secrets stay hidden.
    """
    key = key_of(id, "event")
    return json_response(reveal_payload(key, acting(), asked["reason"], _mask()).describe())


@blueprint.post("/replay")
@blueprint.for_operators
@blueprint.takes(OperationBody)
@blueprint.answers(either(Done, Rehearsal), description="What was done, or would change.")
def replay_events(asked: dict[str, Any]) -> Response:
    """Process events again, processed ones too, with the handlers of today"""
    ids = operations.chosen(REPLAY, asked)
    return operations.rehearse(ids) if asked["dry_run"] else operations.run(REPLAY, ids, asked)


@blueprint.post("/<id>/replay", parameters=AN_EVENT)
@blueprint.for_operators
@blueprint.takes(OneEventBody)
@blueprint.answers(
    either(Done, DryRunOfEvent), refuses=[404], description="What was done, or would change."
)
def replay_event(asked: dict[str, Any], id: str) -> Response:
    """Process one event again, or see what that would change"""
    with snapshot() as session:
        meant = get_event(session, key_of(id, "event")).id
    if asked["dry_run"]:
        return json_response(dry_run(meant).describe())
    return operations.run(REPLAY, [meant], asked)


def _mask() -> Masker:
    return Masker(settings().secrets)
