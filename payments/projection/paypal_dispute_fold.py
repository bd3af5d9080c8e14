"""PayPal's disputes, folded. Only open ones count: what a resolved one cost, refunds tell."""

from __future__ import annotations

from payments.projection.known import Known
from payments.projection.moments import latest_status
from payments.projection.state import State
from payments.projection.vocabulary import (
    DISPUTE_AMOUNT,
    DISPUTE_OUTCOME,
    DISPUTE_STATUS,
    PAYPAL_DISPUTE_RANKS,
    REFUND_AMOUNT,
)


def fold_disputes(state: State, known: Known) -> None:
    for one in known.objects(DISPUTE_AMOUNT, DISPUTE_STATUS):
        status = latest_status(known.values(DISPUTE_STATUS, one), PAYPAL_DISPUTE_RANKS)
        if status not in (None, "resolved"):
            state.dispute_open = True
            state.disputed += known.most(DISPUTE_AMOUNT, one, state.currency)
        _contradict(state, known, one, status)


def _contradict(state: State, known: Known, one: str, status: str | None) -> None:
    if not state.known:
        state.odd("orphan_dispute", one, "a payment", "a dispute alone")
    lost = status == "resolved" and "lost" in known.values(DISPUTE_OUTCOME, one)
    if lost and not known.objects(REFUND_AMOUNT):
        state.odd("lost_without_money_movement", one, "a refund or a reversal", "none")
    currencies = known.currencies_of(DISPUTE_AMOUNT, one)
    if currencies and currencies != [state.currency]:
        state.odd("dispute_currency", one, state.currency, " ".join(currencies))
