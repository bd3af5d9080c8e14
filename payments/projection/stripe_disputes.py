"""Disputes: their status changes back and forth, their money is the sum of its movements.

Source: docs.stripe.com/api/disputes/object.
"""

from __future__ import annotations

from typing import Any

from payments.projection.currencies import stripe_money
from payments.projection.money import Money, Unreadable
from payments.projection.statements import Statements, identifier, objects
from payments.projection.stripe_snapshots import Snapshot
from payments.projection.vocabulary import (
    DISPUTE_AMOUNT,
    DISPUTE_MOVEMENT,
    DISPUTE_REINSTATED,
    DISPUTE_STATUS,
    STRIPE_DISPUTE_RANKS,
)

CLOSED = ("charge_refunded", "lost", "prevented", "warning_closed", "won")
# Bodies of 2011 have no id: the charge, which had one dispute at most, stands for it.
OF_CHARGE = "dispute:"


def read_dispute(says: Statements, dispute: Snapshot) -> None:
    charge = identifier(dispute.get("charge"))
    du = identifier(dispute.item) or (f"{OF_CHARGE}{charge}" if charge else None)
    if du is None:
        return
    says.chain(du, charge, identifier(dispute.get("payment_intent")))
    says.money(DISPUTE_AMOUNT, du, "amount", dispute.money("amount"))
    _read_status(says, du, dispute)
    _read_movements(says, du, dispute)


def _read_status(says: Statements, du: str, dispute: Snapshot) -> None:
    value = dispute.get("status")
    if not isinstance(value, str) or value not in STRIPE_DISPUTE_RANKS:
        says.choice(DISPUTE_STATUS, du, "status", value, {})
        return
    says.state(DISPUTE_STATUS, du, f"{dispute.created} {value}")
    if dispute.event_type == "charge.dispute.closed" and value not in CLOSED:
        says.odd("type_vs_object", du, dispute.event_type, "a final status", value)


def _read_movements(says: Statements, du: str, dispute: Snapshot) -> None:
    back = False
    for transaction in objects(dispute.get("balance_transactions")):
        movement = _movement(transaction)
        if isinstance(movement, Unreadable):
            field = "balance_transactions"
            says.odd(movement.kind, du, field, movement.expected, movement.found)
        elif movement:
            says.state(DISPUTE_MOVEMENT, du, movement)
            back = back or " -" not in movement
    if dispute.event_type == "charge.dispute.funds_reinstated" and not back:
        says.state(DISPUTE_REINSTATED, du, "reinstated")


def _movement(transaction: dict[str, Any]) -> str | Unreadable | None:
    txn = identifier(transaction)
    if txn is None:
        return None
    amount = stripe_money(transaction.get("amount"), transaction.get("currency"))
    if not isinstance(amount, Money):
        return amount
    fee = stripe_money(transaction.get("fee", 0), transaction.get("currency"))
    return f"{txn} {amount} fee {fee.amount if isinstance(fee, Money) else 0}"
