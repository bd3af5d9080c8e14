"""Retry, replay and discard: which events are meant, and what became of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from marshmallow import Schema, ValidationError, fields, validate, validates_schema

from payments.web.api.schemas.dry_runs import DryRunOfEvent
from payments.web.api.schemas.events import FILTERS, EventFilters
from payments.web.api.schemas.fields import (
    Answer,
    Flag,
    flag,
    key,
    list_of,
    map_of,
    number,
    said,
    text,
)
from payments.web.api.schemas.queries import DryRun, Reason

NEITHER = 'Give ids or a filter; "all": true if every one of them is meant.'
BOTH = "Give ids or a filter, not both."


class ChosenEvents(EventFilters):
    """Events by their keys, or by a filter, or all of them."""

    ids = fields.List(
        key("an event's key"),
        validate=validate.Length(1, error="use a list of whole numbers."),
        metadata=said("the keys of events", [17, 18]),
        error_messages={
            "invalid": "use a list of whole numbers.",
            "null": "use a list of whole numbers.",
        },
    )
    all = Flag(load_default=False, metadata=said("every one of them, without any filter"))

    @validates_schema
    def choose_clearly(self, asked: Mapping[str, Any], **_: Any) -> None:
        otherwise = asked["all"] or any(name in asked for name in FILTERS)
        if "ids" in asked and otherwise:
            raise ValidationError(BOTH)
        if "ids" not in asked and not otherwise:
            raise ValidationError(NEITHER)


class OperationBody(ChosenEvents, DryRun, Reason):
    """Which events are meant; whether only to say what would be done; and why."""


class OneEventBody(DryRun, Reason):
    """The path names the event."""


class Skipped(Answer):
    """An event that it was not, or would not be, done to."""

    event_id = number("the event", 999999)
    done = flag("always false here")
    outcome = text("why", "there is no such event")


class Preview(Answer):
    """What would be done."""

    matched = number("how many events are meant", 3)
    ids = list_of(fields.Integer(), "those that it would be done to")
    skipped = list_of(Skipped, "those that it would not be done to")
    dry_run = flag("always true here")


class Done(Answer):
    """What was done."""

    matched = number("how many events were meant", 3)
    done = number("to how many it was done", 2)
    skipped = list_of(Skipped, "those that it was not done to")


class Rehearsal(Answer):
    """What a replay would change."""

    matched = number("how many events are meant", 3)
    outcomes = map_of(fields.Integer(), "how many dry runs ended how", {"changes": 2, "fails": 1})
    shown = list_of(DryRunOfEvent, "the first few of them, whole")
    skipped = list_of(Skipped, "those that would not be replayed")
    left = number("those that there was no time for", 0)
    dry_run = flag("always true here")


def either(*schemas: type[Schema]) -> dict[str, Any]:
    """The answer is as one of these says."""
    return {"anyOf": list(schemas)}
