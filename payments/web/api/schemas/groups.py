"""Dead letters by their cause."""

from __future__ import annotations

from marshmallow import fields

from payments.causes import STAGES
from payments.events import MOST_COUNTED
from payments.web.api.schemas.events import Event
from payments.web.api.schemas.fields import (
    Answer,
    flag,
    list_of,
    map_of,
    maybe_text,
    moment,
    nested,
    number,
    one_of,
    text,
)


class Count(Answer):
    count = number(f"how many dead letters match, up to {MOST_COUNTED}", 412)
    more = flag("whether there are more than that")


class Group(Answer):
    """One cause, with what it holds up now."""

    id = number("its key", 4)
    cause = text("the cause in a sentence", "ConnectionError: refused, in fulfil_order")
    providers = list_of(fields.String(), "whose events it holds up", example=["stripe"])
    items = number("events that it holds up", 412)
    dead = number("of those, the dead ones", 400)
    retrying = number("of those, the ones that are retried", 12)
    payments = number("payments that they are about", 390)
    value = map_of(fields.Integer(), "by currency, in minor units", {"EUR": 1234500})
    first = moment("the first failure")
    last = moment("the latest failure")
    trend = list_of(fields.Integer(), "failures in each of the last 24 hours, this one last")
    fingerprint = text("names the cause")
    version = number("of the way in which fingerprints are made", 1)
    stage = one_of("where it failed", STAGES)
    error_type = text("the class of the error", "ConnectionError")
    dependency = maybe_text("what was away", "warehouse.example.com")
    event_type = maybe_text("of which events, where that is a part of the cause")
    field = maybe_text("the field of the payload, where that is a part of the cause")
    frame = maybe_text("the function, where that is a part of the cause")


class Groups(Answer):
    """The groups that hold something, those with most dead events first."""

    groups = list_of(Group, "at most 200")
    ungrouped = number("dead events that get their group within half a minute", 0)
    more = number("groups beyond those", 0)


class GroupedType(Answer):
    provider = text("the provider", "stripe")
    event_type = text("the type", "payment_intent.succeeded")
    items = number("how many", 400)


class WholeGroup(Group):
    """A group with its events by type, and the newest of them."""

    types = list_of(GroupedType, "the most frequent first")
    newest = nested(Event, "the newest of its events", allow_none=True)
