"""Payments: how they are chosen, and what is shown of them. Amounts are whole minor units."""

from __future__ import annotations

from marshmallow import Schema, fields, validate

from payments.projection.facts import STATUSES
from payments.web.api.schemas.events import Event
from payments.web.api.schemas.fields import (
    Answer,
    Text,
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
from payments.web.api.schemas.queries import PageQuery
from payments.web.api.schemas.reconciliation import Finding

INTENT = "pi_3MtwBwLkdIwHu7ix28a3tqPa"
CHARGE = "ch_3MtwBwLkdIwHu7ix2BkGpNKJ"


class PaymentFilters(Schema):
    provider = identifier("the provider", "stripe")
    account = identifier('"default", or the account of the endpoint or event', "default")
    status = choice("the payment's status", STATUSES)
    payment_id = identifier("the provider's id of the payment", INTENT)
    object_id = identifier("the provider's id of anything in it, a refund say", CHARGE)
    currency = Text(
        validate=validate.Regexp(
            "^[A-Z]{3}$", error="use the three capital letters of ISO 4217, as in EUR."
        ),
        metadata=said("three capital letters of ISO 4217", "EUR"),
    )
    since = moment_asked("its last event is from then or later, by the provider's clock")
    until = moment_asked("its last event is from before then")


FILTERS = tuple(PaymentFilters._declared_fields)


class PaymentsQuery(PageQuery, PaymentFilters):
    pass


class Payment(Answer):
    """A payment as lists show it: the columns of its row."""

    id = number("its key here", 5)
    provider = text("stripe or paypal", "stripe")
    account = text("the account that it belongs to", "default")
    payment_id = text("the provider's id of the intent, charge, order, …", INTENT)
    status = one_of("what its facts come to", STATUSES)
    currency = maybe_text("ISO 4217; null where no event stated one", "EUR")
    amount_authorized = number("in minor units", 1999)
    amount_captured = number("in minor units", 1999)
    amount_refunded = number("in minor units", 0)
    amount_disputed = number("in minor units", 0)
    amount_fee = maybe_number("in minor units of fee_currency; null where none was stated", 88)
    fee_currency = maybe_text("may be that of the settlement", "EUR")
    livemode = flag("whether real money moves", allow_none=True)
    first_event_at = maybe_moment("when the provider made its first event")
    last_event_at = maybe_moment("when the provider made its latest event")
    updated_at = moment("when the row was written")


class EventOfFact(Answer):
    """The event that stated a fact first."""

    id = Event._declared_fields["id"]
    event_id = Event._declared_fields["event_id"]
    event_type = Event._declared_fields["event_type"]
    provider_created_at = Event._declared_fields["provider_created_at"]
    received_at = Event._declared_fields["received_at"]


class Fact(Answer):
    """One fact about one object of a payment."""

    id = number("its key", 40)
    payment_id = number("the payment's key", 5)
    kind = text("what kind of fact", "captured")
    object_id = text("about which object", CHARGE)
    value = text("what it says", "1999 EUR")
    event_id = maybe_number("the key of the event that stated it", 17)
    caused_at = maybe_moment("when the provider made that event")
    event = nested(EventOfFact, "that event; null where the fact was fetched", allow_none=True)


class TimelineEntry(EventOfFact):
    """An event about the payment or anything in it."""

    object_id = Event._declared_fields["object_id"]
    source = Event._declared_fields["source"]
    status = Event._declared_fields["status"]
    attempts = Event._declared_fields["attempts"]
    next_attempt_at = Event._declared_fields["next_attempt_at"]
    last_error = Event._declared_fields["last_error"]
    processed_at = Event._declared_fields["processed_at"]
    late = flag("whether it came after one that the provider made later")
    blocked = flag("whether the payment lacks what it states")


class WholePayment(Payment):
    """A payment with all that is known of it."""

    objects = list_of(fields.String(), "the provider's ids of what is in it", example=[CHARGE])
    changes = list_of(Fact, "its facts, in the provider's order")
    timeline = list_of(TimelineEntry, "its events, in the provider's order")
    findings = list_of(Finding, "what does not agree")
