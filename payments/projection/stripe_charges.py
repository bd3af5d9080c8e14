"""Charges: one attempt each, with what was captured and refunded of it.

Source: docs.stripe.com/api/charges/object.
"""

from __future__ import annotations

from typing import Any

from payments.projection.currencies import shown, stripe_money
from payments.projection.statements import Statements, identifier, objects
from payments.projection.stripe_refunds import read_refund, read_refund_list
from payments.projection.stripe_snapshots import Snapshot
from payments.projection.vocabulary import (
    CHARGE_AMOUNT,
    CHARGE_CAPTURED,
    CHARGE_CAPTURED_WHOLE,
    CHARGE_EXPIRED,
    CHARGE_FEE,
    CHARGE_RANKS,
    CHARGE_REFUNDED,
    CHARGE_REFUNDED_OR_RELEASED,
    CHARGE_STATUS,
)

STATUSES = {"pending": "pending", "failed": "failed", "succeeded": "succeeded", "paid": "succeeded"}
# What the type of an event says the charge has at least come to.
TYPES_AHEAD = {
    "charge.pending": "pending",
    "charge.failed": "failed",
    "charge.succeeded": "succeeded",
    "charge.captured": "succeeded",
    "charge.refunded": "succeeded",
    "charge.expired": "succeeded",
}
FIELDS_OF_TYPES = {"charge.captured": "amount_captured", "charge.refunded": "amount_refunded"}


def read_charge(says: Statements, charge: Snapshot) -> None:
    ch = identifier(charge.item)
    if ch is None:
        return
    says.link(ch, identifier(charge.get("payment_intent")))
    status = _read_status(says, ch, charge)
    says.money(CHARGE_AMOUNT, ch, "amount", charge.money("amount"))
    _read_captured(says, ch, charge, status)
    _read_refunded(says, ch, charge)
    _read_fee(says, ch, charge.get("balance_transaction"))
    if charge.event_type == "charge.expired":
        says.state(CHARGE_EXPIRED, ch, "expired")
    _compare_with_type(says, ch, charge, status)


def _read_status(says: Statements, ch: str, charge: Snapshot) -> str | None:
    value = charge.get("status")
    if "status" not in charge.item:  # before 2015
        value = "failed" if charge.get("failure_code") else "succeeded"
    if value == "failed" and charge.get("failure_balance_transaction"):
        says.state(CHARGE_STATUS, ch, "clawed_back")
        return "clawed_back"
    if value in ("succeeded", "paid") and charge.get("paid") is False:
        value = "pending"  # a bank debit of 2018 is worded so while it is on its way
    return says.choice(CHARGE_STATUS, ch, "status", value, STATUSES)


def _read_captured(says: Statements, ch: str, charge: Snapshot, status: str | None) -> None:
    if charge.get("amount_captured") is not None:
        says.money(CHARGE_CAPTURED, ch, "amount_captured", charge.money("amount_captured"))
    elif charge.get("captured") is True and status == "succeeded":
        says.money(CHARGE_CAPTURED_WHOLE, ch, "amount", charge.money("amount"))


def _read_refunded(says: Statements, ch: str, charge: Snapshot) -> None:
    kind = CHARGE_REFUNDED_OR_RELEASED if charge.before_basil else CHARGE_REFUNDED
    if charge.get("amount_refunded") is not None:
        says.money(kind, ch, "amount_refunded", charge.money("amount_refunded"))
    listing = charge.get("refunds")
    if isinstance(listing, dict):  # not by itself since 2022-11-15
        for refund in objects(listing):
            read_refund(says, charge.of({**refund, "charge": refund.get("charge") or ch}))
        read_refund_list(says, listing, ch)


def _read_fee(says: Statements, ch: str, transaction: Any) -> None:
    """Only an expanded balance transaction says what Stripe took, in the settlement's currency."""
    if isinstance(transaction, dict):
        fee = stripe_money(transaction.get("fee"), transaction.get("currency"))
        says.money(CHARGE_FEE, ch, "balance_transaction.fee", fee, least=0)


def _compare_with_type(says: Statements, ch: str, charge: Snapshot, status: str | None) -> None:
    said = TYPES_AHEAD.get(charge.event_type)
    if said and status and CHARGE_RANKS[said] > CHARGE_RANKS[status]:
        says.odd("type_vs_object", ch, charge.event_type, said, status)
    field = FIELDS_OF_TYPES.get(charge.event_type)
    if field and charge.get(field) == 0:
        says.odd("type_vs_object", ch, charge.event_type, f"{field} above 0", shown(0))
