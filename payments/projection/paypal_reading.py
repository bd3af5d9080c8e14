"""What PayPal's events and objects state: which reader a resource belongs to.

By the event's type, and by the resource's link to itself, which is right where they differ.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime
from typing import Any

from payments.projection.facts import Reading
from payments.projection.paypal_authorizations import read_authorization
from payments.projection.paypal_captures import read_capture
from payments.projection.paypal_disputes import read_dispute
from payments.projection.paypal_orders import read_order
from payments.projection.paypal_refunds import read_refund
from payments.projection.paypal_resources import Resource, milliseconds
from payments.projection.statements import Statements, identifier

Reader = Callable[[Statements, Resource], None]

# The first that fits says what the resource of an event is.
KINDS_OF_TYPES = (
    (re.compile(r"(CHECKOUT|PAYMENT)\.ORDER\..+|CHECKOUT\.PAYMENT-APPROVAL\.REVERSED"), "order"),
    (re.compile(r"PAYMENT\.AUTHORIZATION\..+"), "authorization"),
    (re.compile(r"PAYMENT\.(CAPTURE|SALE)\.(REFUNDED|REVERSED)|PAYMENT\.REFUND\..+"), "refund"),
    (re.compile(r"PAYMENT\.(CAPTURE|SALE)\..+"), "capture"),
    (re.compile(r"(CUSTOMER|RISK)\.DISPUTE\..+"), "dispute"),
)
READERS: dict[str, Reader] = {
    "order": read_order,
    "authorization": read_authorization,
    "capture": read_capture,
    "refund": read_refund,
    "dispute": read_dispute,
}


def is_read_of_paypal(event_type: str) -> bool:
    return _kind_by_type(event_type) is not None


def read_paypal_event(event_type: str, data: dict[str, Any]) -> Reading:
    """The facts of the event `data`; none where it is not about a payment."""
    says = Statements()
    item = data.get("resource")
    expected = _kind_by_type(event_type)
    if isinstance(item, dict) and expected:
        moment = milliseconds(data.get("create_time"))
        resource = Resource(item, event_type=event_type, moment=moment)
        kind = resource.kind if resource.kind in READERS else expected
        READERS[kind or expected](says, resource)
        one = identifier(item)
        if one and kind != expected:
            says.odd("type_vs_object", one, event_type, expected, kind or expected)
    return says.reading()


def read_paypal_object(data: dict[str, Any], fetched_at: datetime | None) -> Reading:
    """The facts of an object from the API, which its link to itself or its fields make known."""
    says = Statements()
    moment = int(fetched_at.timestamp() * 1000) if fetched_at else 0
    resource = Resource(data, moment=moment)
    kind = resource.kind or _kind_by_fields(data)
    if kind in READERS:
        READERS[kind](says, resource)
    return says.reading()


def _kind_by_type(event_type: str) -> str | None:
    return next((kind for types, kind in KINDS_OF_TYPES if types.fullmatch(event_type)), None)


def _kind_by_fields(data: dict[str, Any]) -> str:
    for field, kind in (
        ("dispute_id", "dispute"),
        ("purchase_units", "order"),
        ("seller_payable_breakdown", "refund"),
        ("expiration_time", "authorization"),
        ("final_capture", "capture"),
    ):
        if field in data:
            return kind
    return ""
