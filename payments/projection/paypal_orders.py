"""Orders: they move no money themselves, but nest what does.

Source: developer.paypal.com/docs/api/orders/v2; of v1, payments/orders.
"""

from __future__ import annotations

from typing import Any

from payments.projection.paypal_authorizations import read_authorization
from payments.projection.paypal_captures import read_capture
from payments.projection.paypal_refunds import read_refund
from payments.projection.paypal_resources import Resource
from payments.projection.statements import Statements, identifier, objects
from payments.projection.vocabulary import ORDER_RANKS, ORDER_STATUS

STATUSES = {
    **{status: status for status in ORDER_RANKS},
    # v1, and what it is in v2.
    "pending": "created",
    "authorized": "approved",
    "captured": "completed",
}
# What only the type says, whatever the order's own status is.
TYPES = {
    "CHECKOUT.PAYMENT-APPROVAL.REVERSED": "reversed",
    "CHECKOUT.ORDER.DECLINED": "declined",
    "PAYMENT.ORDER.CANCELLED": "voided",
}
TYPES_AHEAD = {
    "CHECKOUT.ORDER.APPROVED": "approved",
    "CHECKOUT.ORDER.COMPLETED": "completed",
    "CHECKOUT.ORDER.VOIDED": "voided",
}
NESTED = (
    ("authorizations", read_authorization),
    ("captures", read_capture),
    ("refunds", read_refund),
)


def read_order(says: Statements, order: Resource) -> None:
    one = identifier(order.get("order_id")) or identifier(order.item)
    if one is None:
        return
    order.link(says, one)
    _read_status(says, one, order)
    units = objects(order.get("purchase_units"))
    if len(units) > 1:
        says.odd("several_purchase_units", one, "purchase_units", "1", str(len(units)))
    for unit in units:
        _read_payments(says, one, order, unit.get("payments"))


def _read_status(says: Statements, one: str, order: Resource) -> None:
    if order.event_type in TYPES:
        says.state(ORDER_STATUS, one, TYPES[order.event_type])
        return
    status = says.choice(ORDER_STATUS, one, "status", order.status, STATUSES)
    said = TYPES_AHEAD.get(order.event_type)
    if said and status and ORDER_RANKS[said] > ORDER_RANKS[status]:
        says.odd("type_vs_object", one, order.event_type, said, status)


def _read_payments(says: Statements, one: str, order: Resource, payments: Any) -> None:
    if isinstance(payments, dict):
        for field, read in NESTED:
            for nested in objects(payments.get(field)):
                read(says, order.of(nested, one))
