"""Single events and objects, worded as the providers word them, for tests that write their own."""

from __future__ import annotations

import itertools
from typing import Any

from payments.projection.facts import Fact, Projection
from payments.projection.project import project
from payments.projection.reading import read_event

Object = dict[str, Any]
PI, CH, RE, DU = "pi_1", "ch_1", "re_1", "du_1"
ORDER, AUTHORIZATION, CAPTURE, REFUND, DISPUTE = "ORDER1", "AUTH1", "CAPTURE1", "REFUND1", "PP-D-1"
LATEST, OLD = "2026-06-24.dahlia", "2024-12-18.acacia"
API = "https://api-m.paypal.com"
TYPE_FIELDS = {"stripe": "type", "paypal": "event_type"}
PATHS = {
    "order": "v2/checkout/orders",
    "authorization": "v2/payments/authorizations",
    "capture": "v2/payments/captures",
    "refund": "v2/payments/refunds",
}
_numbers = itertools.count(1)


def facts_of(*events: Object) -> frozenset[Fact]:
    """What the events state together; they are of one provider."""
    found: set[Fact] = set()
    for event in events:
        provider = provider_of(event)
        found |= read_event(provider, event[TYPE_FIELDS[provider]], event).facts
    return frozenset(found)


def fold(*events: Object) -> Projection:
    """The payment that the events make, which there must be."""
    payment = project(provider_of(events[0]), facts_of(*events))
    assert payment
    return payment


def kinds(payment: Projection) -> set[str]:
    """The kinds of its contradictions."""
    return {one.kind for one in payment.contradictions}


def provider_of(event: Object) -> str:
    return "stripe" if "type" in event else "paypal"


def stripe(
    event_type: str, item: Object, created: int = 1000, version: str | None = LATEST
) -> Object:
    return {
        "id": f"evt_{next(_numbers)}",
        "object": "event",
        "api_version": version,
        "created": created,
        "data": {"object": item},
        "type": event_type,
    }


def intent(status: str, **fields: Any) -> Object:
    return {
        "id": PI,
        "object": "payment_intent",
        "amount": 1000,
        "amount_capturable": 0,
        "amount_received": 0,
        "currency": "eur",
        "status": status,
        **fields,
    }


def charge(
    status: str = "succeeded", captured: int = 0, refunded: int = 0, **fields: Any
) -> Object:
    return {
        "id": CH,
        "object": "charge",
        "amount": 1000,
        "amount_captured": captured,
        "amount_refunded": refunded,
        "captured": captured > 0,
        "currency": "eur",
        "payment_intent": PI,
        "status": status,
        **fields,
    }


def refund(amount: int = 400, status: str | None = "succeeded", **fields: Any) -> Object:
    return {
        "id": RE,
        "object": "refund",
        "amount": amount,
        "charge": CH,
        "currency": "eur",
        "payment_intent": PI,
        "status": status,
        **fields,
    }


def dispute(status: str, *movements: Object, **fields: Any) -> Object:
    return {
        "id": DU,
        "object": "dispute",
        "amount": 1000,
        "balance_transactions": list(movements),
        "charge": CH,
        "currency": "eur",
        "payment_intent": PI,
        "status": status,
        **fields,
    }


def movement(amount: int, txn: str = "txn_1", fee: int = 0, currency: str = "eur") -> Object:
    return {"id": txn, "amount": amount, "currency": currency, "fee": fee}


def paypal(event_type: str, resource: Object, created: str = "2026-01-02T03:04:05Z") -> Object:
    return {
        "id": f"WH-{next(_numbers)}",
        "create_time": created,
        "event_type": event_type,
        "resource": resource,
    }


def money(value: str, currency: str = "EUR") -> Object:
    return {"currency_code": currency, "value": value}


def links(kind: str, one: str, **up: str) -> list[Object]:
    """A link to itself, and one up: `links("capture", CAPTURE, order=ORDER)`."""
    found = [{"rel": "self", "href": f"{API}/{PATHS[kind]}/{one}"}]
    return found + [
        {"rel": "up", "href": f"{API}/{PATHS[parent]}/{which}"} for parent, which in up.items()
    ]


def order(status: str, **fields: Any) -> Object:
    return {"id": ORDER, "status": status, "links": links("order", ORDER), **fields}


def authorization(status: str, value: str = "10.00", **fields: Any) -> Object:
    return {
        "id": AUTHORIZATION,
        "status": status,
        "amount": money(value),
        "supplementary_data": {"related_ids": {"order_id": ORDER}},
        "links": links("authorization", AUTHORIZATION, order=ORDER),
        **fields,
    }


def capture(status: str = "COMPLETED", value: str = "10.00", **fields: Any) -> Object:
    return {
        "id": CAPTURE,
        "status": status,
        "amount": money(value),
        "final_capture": True,
        "links": links("capture", CAPTURE, order=ORDER),
        **fields,
    }


def paypal_refund(value: str = "4.00", status: str = "COMPLETED", **fields: Any) -> Object:
    return {
        "id": REFUND,
        "status": status,
        "amount": money(value),
        "links": links("refund", REFUND, capture=CAPTURE),
        **fields,
    }


def paypal_dispute(status: str, **fields: Any) -> Object:
    return {
        "dispute_id": DISPUTE,
        "disputed_transactions": [{"seller_transaction_id": CAPTURE}],
        "status": status,
        "dispute_amount": money("10.00"),
        **fields,
    }
