"""Bulk operations: what they are made of, their preview and their progress."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from marshmallow import ValidationError, fields, validates_schema

from payments.models import BULK_ACTIONS, BULK_STATES, ITEM_STATES
from payments.web.api.schemas.events import FILTERS
from payments.web.api.schemas.fields import (
    Answer,
    Whole,
    choice,
    decimal,
    flag,
    key,
    list_of,
    map_of,
    maybe_moment,
    maybe_number,
    maybe_text,
    moment,
    nested,
    number,
    one_of,
    said,
    text,
)
from payments.web.api.schemas.operations import NEITHER, ChosenEvents
from payments.web.api.schemas.queries import PageQuery, Reason

ONE_SCOPE = "Give ids, a filter or a group_id; not two of them."


class BulkBody(ChosenEvents, Reason):
    """An action, and the events that it is for: they are frozen at once."""

    action = choice("what to do to them", BULK_ACTIONS, required=True)
    group_id = key("all dead events of this group of dead letters", 4)

    @validates_schema
    def choose_clearly(self, asked: Mapping[str, Any], **_: Any) -> None:
        filtered = asked["all"] or any(name in asked for name in FILTERS)
        given = ("ids" in asked) + ("group_id" in asked) + filtered
        if given != 1:
            raise ValidationError(ONE_SCOPE if given else NEITHER)


class StartBody(Reason):
    """Why; and above 50 events, how many there are."""

    count = Whole(
        allow_none=True,
        load_default=None,
        metadata=said("how many are left; needed where needs_count says so", 412),
    )


class ItemsQuery(PageQuery):
    state = choice("only items of this state", ITEM_STATES)


class OfType(Answer):
    event_type = text("the type", "payment_intent.succeeded")
    items = number("how many", 412)


class Unfit(Answer):
    outcome = text("why it would be skipped", "skipped: its payload has expired")
    items = number("how many", 3)


class OperationSummary(Answer):
    """What the frozen events are worth."""

    payments = number("payments that they are about", 400)
    value = map_of(fields.Integer(), "by currency, in minor units", {"EUR": 1234500})
    types = list_of(OfType, "the most frequent types")
    skipped = list_of(Unfit, "those that do not fit")


class Operation(Answer):
    """A bulk operation with its progress."""

    id = number("its key", 7)
    action = one_of("what is done", BULK_ACTIONS)
    scope = text("to which events, in words", "dead events of group 4")
    state = one_of("where it is", BULK_STATES)
    origin_id = maybe_number("the operation whose failed events these are", 6)
    reason = maybe_text("why", "the warehouse is back")
    created_by = text("who made it", "eve")
    created_at = moment("when it was made")
    confirmed_by = maybe_text("who started it", "eve")
    confirmed_at = maybe_moment("when it was started")
    request_id = maybe_text("of the latest request about it")
    ended_at = maybe_moment("when it ended")
    stop_reason = maybe_text("why it stopped by itself", "a fifth of the events failed")
    total = number("events in all", 412)
    in_flight = number("events that are on their way", 5)
    done = number("events that it was done to", 100)
    failed = number("events that failed again", 2)
    skipped = number("events that have changed since, or do not fit", 3)
    progressed_at = moment("when an event last changed its state")
    next_look_at = maybe_moment("when its job looks at it next")
    left = number("events that nothing was done to yet", 302)
    needs_count = flag("whether starting it needs the count")
    summary = nested(OperationSummary, "what it is worth")


class ShapeOfRuns(Answer):
    shape = text("what dry runs came to", "authorized → captured")
    count = number("how many", 45)
    samples = list_of(fields.Integer(), "the keys of some of their events")


class RehearsalOfOperation(Answer):
    """Dry runs of some of the events, spread evenly."""

    tried = number("made so far", 50)
    samples = number("made in all", 50)
    ended = flag("whether no more are made")
    seconds = decimal("how long they took", 1.5)
    shapes = list_of(ShapeOfRuns, "what they came to, the most frequent first")


class WholeOperation(Operation):
    """A bulk operation with what its dry runs have foreseen."""

    rehearsal = nested(RehearsalOfOperation, "what is foreseen")


class Item(Answer):
    """One event of an operation."""

    id = number("its key", 900)
    operation_id = number("the operation", 7)
    event_id = number("the event", 17)
    event_status = maybe_text("its status as it was frozen", "dead")
    event_attempts = number("the number of its latest attempt then", 8)
    state = one_of("where it is", ITEM_STATES)
    outcome = maybe_text("why it was skipped, or how it failed")
    changed_at = maybe_moment("when it last changed")
    is_sample = flag("whether a dry run of it is made for the preview")
    rehearsal = maybe_text("what that came to", "authorized → captured")
    rehearsal_detail = maybe_text("its error, masked")
