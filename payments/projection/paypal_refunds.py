"""Refunds, and reversals, which PayPal makes by itself: money that goes back.

The resource of `PAYMENT.CAPTURE.REFUNDED` and the like is the refund, not the capture. Amounts are
positive or negative by the mood of the version.

Source: developer.paypal.com/docs/api/payments/v2 and v1.
"""

from __future__ import annotations

from dataclasses import replace

from payments.projection.currencies import paypal_money
from payments.projection.money import Money, Unreadable
from payments.projection.paypal_resources import Resource
from payments.projection.statements import Statements, identifier
from payments.projection.vocabulary import (
    CAPTURE_REFUNDED_TOTAL,
    REFUND_AMOUNT,
    REFUND_FEE,
    REFUND_IS_REVERSAL,
    REFUND_RANKS,
    REFUND_STATUS,
)

STATUSES = {**{status: status for status in REFUND_RANKS}, "completed": "succeeded"}
STATUSES["cancelled"] = "canceled"


def read_refund(says: Statements, refund: Resource) -> None:
    one = identifier(refund.item)
    if one is None:
        return
    capture = refund.parent("capture", "capture_id", "sale_id")
    refund.link(says, one, capture=capture)
    status = says.choice(REFUND_STATUS, one, "status", refund.status, STATUSES)
    says.money(REFUND_AMOUNT, one, "amount", _without_sign(paypal_money(refund.get("amount"))))
    if refund.event_type.endswith(".REVERSED"):
        says.state(REFUND_IS_REVERSAL, one, "reversal")
    if capture:
        _read_total(says, capture, refund)
    fee = refund.within("seller_payable_breakdown", "paypal_fee")
    if fee is not None:
        says.money(REFUND_FEE, one, "paypal_fee", _without_sign(paypal_money(fee)))
    if refund.event_type == "PAYMENT.REFUND.FAILED" and status and status != "failed":
        says.odd("type_vs_object", one, refund.event_type, "failed", status)


def _read_total(says: Statements, capture: str, refund: Resource) -> None:
    """Cumulative over all refunds of the capture, so also over those that were never heard of."""
    total = refund.within("seller_payable_breakdown", "total_refunded_amount")
    total = refund.get("total_refunded_amount") if total is None else total
    if total is not None:
        read = _without_sign(paypal_money(total))
        says.money(CAPTURE_REFUNDED_TOTAL, capture, "total_refunded_amount", read)


def _without_sign(read: Money | Unreadable) -> Money | Unreadable:
    return replace(read, amount=abs(read.amount)) if isinstance(read, Money) else read
