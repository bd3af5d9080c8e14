"""Disputes: open ones count by their amount; what a closed one cost is a refund or a reversal.

Source: developer.paypal.com/docs/api/customer-disputes/v1.
"""

from __future__ import annotations

from payments.projection.currencies import paypal_money
from payments.projection.paypal_resources import Resource, milliseconds
from payments.projection.statements import Statements, identifier, objects
from payments.projection.vocabulary import (
    DISPUTE_AMOUNT,
    DISPUTE_OUTCOME,
    DISPUTE_STATUS,
    PAYPAL_DISPUTE_RANKS,
)

OUTCOMES = {
    "RESOLVED_BUYER_FAVOUR": "lost",
    "ACCEPTED": "lost",
    "RESOLVED_SELLER_FAVOUR": "won",
    "RESOLVED_WITH_PAYOUT": "paid_by_paypal",
    "CANCELED_BY_BUYER": "canceled",
    "DENIED": "denied",
    "NONE": "none",
}


def read_dispute(says: Statements, dispute: Resource) -> None:
    one = identifier(dispute.get("dispute_id")) or identifier(dispute.item)
    if one is None:
        return
    _read_transactions(says, one, dispute)
    _read_status(says, one, dispute)
    says.money(DISPUTE_AMOUNT, one, "dispute_amount", paypal_money(dispute.get("dispute_amount")))
    outcome = dispute.within("dispute_outcome", "outcome_code")
    if outcome is not None:
        says.choice(DISPUTE_OUTCOME, one, "outcome_code", outcome, OUTCOMES)


def _read_transactions(says: Statements, one: str, dispute: Resource) -> None:
    """A dispute over several payments belongs to the first of them, else it would make them one."""
    disputed = objects(dispute.get("disputed_transactions"))
    named = [identifier(transaction.get("seller_transaction_id")) for transaction in disputed]
    transactions = sorted(name for name in named if name)
    transaction = transactions[0] if transactions else identifier(dispute.get("seller_payment_id"))
    says.link(one, transaction)
    if len(set(transactions)) > 1:
        found = " ".join(transactions)
        says.odd("several_transactions", one, "disputed_transactions", "1", found)


def _read_status(says: Statements, one: str, dispute: Resource) -> None:
    """A dispute can go back and forth, so each status carries its time: the object's, if any."""
    status = dispute.status
    if dispute.event_type == "RISK.DISPUTE.CREATED" and status is None:
        status = "open"  # its status is a number that no document explains
    if status not in PAYPAL_DISPUTE_RANKS:
        says.choice(DISPUTE_STATUS, one, "status", dispute.get("status"), {})
        return
    moment = milliseconds(dispute.get("update_time")) or dispute.moment
    says.state(DISPUTE_STATUS, one, f"{moment} {status}")
