"""Events: how they are chosen, and what is shown of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from marshmallow import Schema, validate

from payments.event_filter import LONGEST_ERROR_FILTER, EventFilter
from payments.models import DEAD, OUTCOMES, SOURCES, STATUSES
from payments.projection.facts import STATUSES as PAYMENT_STATUSES
from payments.web.api.schemas.audit import AuditLine
from payments.web.api.schemas.fields import (
    Answer,
    Flag,
    Text,
    anything,
    choice,
    flag,
    identifier,
    list_of,
    maybe_moment,
    maybe_number,
    maybe_text,
    moment,
    moment_asked,
    nested,
    number,
    one_of,
    said,
    text,
)
from payments.web.api.schemas.queries import PageQuery, Query

TYPE = "payment_intent.succeeded"


class EventFilters(Schema):
    """The same names in query strings and in bodies."""

    provider = identifier("the provider", "stripe")
    account = identifier('"default", or the account of the endpoint or event', "default")
    status = choice("the event's status", STATUSES)
    type = identifier("the event's type; * stands for any characters", "charge.*")
    event_id = identifier("the provider's id of the event", "evt_1NG8Du2eZvKYlo2CUI79vXWy")
    object_id = identifier("the provider's id of what it is about", "pi_3MtwBwLkdIwHu7ix28a3tqPa")
    error = Text(
        validate=validate.Length(
            1, LONGEST_ERROR_FILTER, error=f"use 1 to {LONGEST_ERROR_FILTER} characters."
        ),
        metadata=said("a part of the last error's text", "ConnectionError"),
    )
    since = moment_asked("received at or after this time")
    until = moment_asked("received before this time")
    conflicts = Flag(metadata=said("only events with (without) conflicting deliveries"))


FILTERS = tuple(EventFilters._declared_fields)


def event_filter(asked: Mapping[str, Any]) -> EventFilter:
    """The filter in what was asked; raises InvalidQuery for what could never match."""
    return EventFilter(**{name: asked[name] for name in FILTERS if name in asked})


class EventsQuery(PageQuery, EventFilters):
    pass


class DeadFilters(EventFilters):
    status = Text(
        validate=validate.OneOf([DEAD], error=f"it is always {DEAD} here."),
        metadata=said("dead letters are dead"),
    )


class DeadLettersQuery(PageQuery, DeadFilters):
    pass


class DeadCountQuery(Query, DeadFilters):
    pass


class Event(Answer):
    """An event as lists show it: the columns of its row."""

    id = number("its key here", 17)
    provider = text("stripe or paypal", "stripe")
    account = text("the account that it belongs to", "default")
    event_id = text("the provider's id", "evt_1NG8Du2eZvKYlo2CUI79vXWy")
    event_type = text("what happened", TYPE)
    livemode = flag(
        "whether real money moves; null where the provider does not say", allow_none=True
    )
    api_version = maybe_text("the provider's version of the event's form", "2026-06-24.dahlia")
    object_id = maybe_text("the provider's id of what it is about", "pi_3MtwBwLkdIwHu7ix28a3tqPa")
    provider_created_at = maybe_moment("when the provider made it")
    received_at = moment("when it was kept")
    source = one_of("how it came", SOURCES)
    status = one_of("where it is on its way", STATUSES)
    attempts = number("attempts since it was received, or last retried by an operator", 1)
    next_attempt_at = maybe_moment("when it is due again; null once it has ended")
    last_error = maybe_text("the masked reason of the latest failure", "ConnectionError: refused")
    processed_at = maybe_moment("when it was processed")
    conflicts = number("genuine deliveries of other content with the same event id", 0)
    request_id = maybe_text("of the request that brought it")
    traceparent = maybe_text("its W3C trace context")
    secret_label = maybe_text("which secret verified it", "STRIPE_SIGNING_SECRET #1")
    transmission_id = maybe_text("PayPal's id of the transmission")
    failure_group_id = maybe_number("the group of dead letters whose cause it failed with", 4)


class Attempt(Answer):
    """One attempt at an event."""

    id = number("its key", 31)
    event_id = number("the event", 17)
    number = number("counts from 1, and goes on after a retry", 1)
    started_at = moment("when it began")
    finished_at = maybe_moment("when it ended; null while it runs, or where its process died")
    outcome = one_of("how it ended", OUTCOMES, allow_none=True)
    error_type = maybe_text("the class of its error", "ConnectionError")
    error_message = maybe_text("what the error said, masked", "connection refused")
    worker = maybe_text("which worker", "worker.1")
    failure_group_id = maybe_number("the group of its cause", 4)


class Conflict(Answer):
    """A genuine delivery whose event id is taken by an event of other content."""

    id = number("its key", 3)
    event_id = number("the event that has the id", 17)
    event_type = text("what it says happened", TYPE)
    object_id = maybe_text("what it is about")
    received_at = moment("when it came")
    request_id = maybe_text("of its request")
    secret_label = maybe_text("which secret verified it")
    sha256 = text("of its body")


class Effect(Answer):
    """Something outside of the database that was done, and will not be done again."""

    key = text("its key", "receipt:pi_3MtwBwLkdIwHu7ix28a3tqPa")
    done_at = moment("when it was done")


class PaymentOfEvent(Answer):
    """The payment that an event is about."""

    id = number("the payment's key", 5)
    payment_id = text("the provider's id", "pi_3MtwBwLkdIwHu7ix28a3tqPa")
    status = one_of("the payment's status", PAYMENT_STATUSES)


class WholeEvent(Event):
    """An event with all that is known of it, but for its payload."""

    history = list_of(Attempt, "its attempts, the first one first")
    conflicting = list_of(Conflict, "conflicting deliveries")
    effects = list_of(Effect, "what its handlers did outside of the database")
    audit = list_of(AuditLine, "what operators did to it")
    payment = nested(PaymentOfEvent, "the payment that it is about", allow_none=True)


class Payload(Answer):
    """A payload's JSON, with "[masked]" where something is hidden."""

    event_id = number("the event", 17)
    size = number("of the whole body, in bytes", 1834)
    sha256 = text("of the whole body, as hex")
    revealed = flag("whether personal data is shown; card numbers and secrets never are")
    masked = number("how many values are hidden", 4)
    payload = anything("the body's JSON", {"id": "evt_1", "data": {"email": "[masked]"}})
