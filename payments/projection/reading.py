"""From one event, or one object fetched from a provider, to the facts that it states."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from payments.projection.facts import Reading
from payments.projection.paypal_reading import (
    is_read_of_paypal,
    read_paypal_event,
    read_paypal_object,
)
from payments.projection.stripe_reading import (
    is_read_of_stripe,
    read_stripe_event,
    read_stripe_object,
)

NOTHING = Reading(frozenset())


def is_read(provider: str, event_type: str) -> bool:
    """Whether an event of this type may state anything; if not, `read_event` gives no facts."""
    if provider == "stripe":
        return is_read_of_stripe(event_type)
    return provider == "paypal" and is_read_of_paypal(event_type)


def read_event(provider: str, event_type: str, data: dict[str, Any]) -> Reading:
    """The facts of one event.

    Never raises, whatever the content: what cannot be read is a fact that `project` turns into a
    contradiction.

    Args:
        data: the whole event, parsed.

    Returns:
        No facts where it is not about a payment; links alone where it only names one.
    """
    if provider == "stripe":
        return read_stripe_event(event_type, data)
    return read_paypal_event(event_type, data) if provider == "paypal" else NOTHING


def read_object(
    provider: str, data: dict[str, Any], *, fetched_at: datetime | None = None
) -> Reading:
    """The facts of one object from the provider's API: one more snapshot in the same fold.

    Args:
        data: of Stripe a payment intent (its latest charge expanded or not), charge, refund,
            dispute, or a list of these; of PayPal an order, authorization, capture, refund or
            dispute.
        fetched_at: aware; what is not yet final (a Stripe intent's status, a dispute's) counts as
            of then. Without it, as of the object's own time, which any event outweighs.
    """
    if provider == "stripe":
        return read_stripe_object(data, fetched_at)
    return read_paypal_object(data, fetched_at) if provider == "paypal" else NOTHING
