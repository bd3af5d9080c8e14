"""Captures (v2, v1) and sales (v1): money that comes in. Their ids are of one namespace.

Source: developer.paypal.com/docs/api/payments/v2 and v1.
"""

from __future__ import annotations

from payments.projection.currencies import paypal_money
from payments.projection.paypal_resources import Resource
from payments.projection.statements import Statements, identifier
from payments.projection.vocabulary import (
    CAPTURE_AMOUNT,
    CAPTURE_COUNTS,
    CAPTURE_FEE,
    CAPTURE_FINAL,
    CAPTURE_RANKS,
    CAPTURE_STATUS,
)

STATUSES = {status: status for status in CAPTURE_RANKS}


def read_capture(says: Statements, capture: Resource) -> None:
    one = identifier(capture.item)
    if one is None:
        return
    capture.link(says, one)
    status = _read_status(says, one, capture)
    says.money(CAPTURE_AMOUNT, one, "amount", paypal_money(capture.get("amount")))
    if capture.get("final_capture") is True or capture.get("is_final_capture") is True:
        says.state(CAPTURE_FINAL, one, "final")
    if status in CAPTURE_COUNTS:
        _read_fee(says, one, capture)
    said = capture.event_type.rpartition(".")[2].lower()
    if status and CAPTURE_RANKS.get(said, -1) > CAPTURE_RANKS[status] and not _held(capture):
        says.odd("type_vs_object", one, capture.event_type, said, status)


def _read_status(says: Statements, one: str, capture: Resource) -> str | None:
    """Completed with a hold is captured: a real PENDING said so, and a COMPLETED ended the hold."""
    status = capture.status
    if status == "completed" and _held(capture):
        status = "completed_held"
    return says.choice(CAPTURE_STATUS, one, "status", status, STATUSES)


def _held(capture: Resource) -> bool:
    if capture.event_type.endswith(".PENDING"):
        return True
    return capture.get("payment_hold_status") == "HELD" and not capture.event_type


def _read_fee(says: Statements, one: str, capture: Resource) -> None:
    """What PayPal took, which it also computes for captures that it then declined."""
    for field, fee in (
        ("paypal_fee", capture.within("seller_receivable_breakdown", "paypal_fee")),
        ("transaction_fee", capture.get("transaction_fee")),
    ):
        if fee is not None:
            says.money(CAPTURE_FEE, one, field, paypal_money(fee), least=0)
