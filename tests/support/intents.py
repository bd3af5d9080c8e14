"""Events of one Stripe payment, as small as they can be."""

from __future__ import annotations

from typing import Any

from tests.support.deliveries import stripe_event

CREATED = 1_760_000_000


def intent_event(
    event_type: str, id: str = "pi_1", *, after: int = 0, **changes: Any
) -> dict[str, Any]:
    """An event about a payment intent, made `after` seconds after the first one."""
    about = {
        "id": id,
        "object": "payment_intent",
        "amount": 2000,
        "amount_received": 0,
        "amount_capturable": 0,
        "currency": "eur",
        "status": "requires_payment_method",
        **changes,
    }
    return stripe_event(event_type, data={"object": about}, created=CREATED + after)


def charge_event(
    event_type: str, id: str = "ch_1", *, after: int = 0, **changes: Any
) -> dict[str, Any]:
    about = {
        "id": id,
        "object": "charge",
        "payment_intent": "pi_1",
        "amount": 2000,
        "amount_captured": 2000,
        "amount_refunded": 0,
        "captured": True,
        "currency": "eur",
        "status": "succeeded",
        **changes,
    }
    return stripe_event(event_type, data={"object": about}, created=CREATED + after)


def refund_event(
    event_type: str, id: str = "re_1", *, after: int = 0, **changes: Any
) -> dict[str, Any]:
    about = {
        "id": id,
        "object": "refund",
        "charge": "ch_1",
        "amount": 500,
        "currency": "eur",
        "status": "succeeded",
        **changes,
    }
    return stripe_event(event_type, data={"object": about}, created=CREATED + after)


def chain(length: int, name: str) -> list[dict[str, Any]]:
    """Refunds of one charge each, and charges of one intent: any two events may have to be one."""
    made = []
    for number in range(length):
        charge = {
            "id": f"ch_{name}{number}",
            "object": "charge",
            "payment_intent": f"pi_{name}",
            "amount": 1000,
            "amount_captured": 1000,
            "amount_refunded": 0,
            "captured": True,
            "currency": "eur",
            "status": "succeeded",
        }
        refund = {
            "id": f"re_{name}{number}",
            "object": "refund",
            "charge": f"ch_{name}{number}",
            "amount": 10,
            "currency": "eur",
            "status": "succeeded",
        }
        made += [
            stripe_event("charge.succeeded", data={"object": charge}, created=CREATED),
            stripe_event("refund.created", data={"object": refund}, created=CREATED + 1),
        ]
    return made
