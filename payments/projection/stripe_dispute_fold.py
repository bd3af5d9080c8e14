"""Stripe's disputes, folded: the status by time, the money by the set of its movements."""

from __future__ import annotations

from payments.projection.known import Known
from payments.projection.moments import latest_status
from payments.projection.money import Money
from payments.projection.state import State
from payments.projection.stripe_disputes import OF_CHARGE
from payments.projection.vocabulary import (
    DISPUTE_AMOUNT,
    DISPUTE_MOVEMENT,
    DISPUTE_REINSTATED,
    DISPUTE_STATUS,
    STRIPE_DISPUTE_RANKS,
)

OPEN = ("needs_response", "under_review", "appeal_needs_response", "appeal_under_review")
DISPUTE_KINDS = (DISPUTE_AMOUNT, DISPUTE_MOVEMENT, DISPUTE_REINSTATED, DISPUTE_STATUS)


def fold_disputes(state: State, known: Known) -> None:
    for du in _disputes(known):
        status = latest_status(known.values(DISPUTE_STATUS, du), STRIPE_DISPUTE_RANKS)
        amount = _disputed(known, du, status, state.currency)
        state.disputed += amount
        state.dispute_open = state.dispute_open or status in OPEN
        state.lost = state.lost or (status == "lost" and amount > 0)
        _contradict(state, known, du, status)


def movements_of(known: Known, du: str) -> dict[str, tuple[Money, int]]:
    """The money and the fee of each balance transaction of a dispute, by the transaction's id."""
    movements: dict[str, tuple[Money, int]] = {}
    for value in known.values(DISPUTE_MOVEMENT, du):
        txn, amount, currency, _, fee = value.split(" ")
        movements.setdefault(txn, (Money(int(amount), currency), int(fee)))
    return movements


def _disputes(known: Known) -> list[str]:
    """All disputes, but for those without an id whose charge has one with an id."""
    ids = known.objects(*DISPUTE_KINDS)
    named = {parent for du in ids if not du.startswith(OF_CHARGE) for parent in known.parents(du)}
    return [du for du in ids if not du.startswith(OF_CHARGE) or not named & set(known.parents(du))]


def _disputed(known: Known, du: str, status: str | None, currency: str | None) -> int:
    """What is withdrawn now; by its amount where no movement is known, or in another currency."""
    amount = known.most(DISPUTE_AMOUNT, du, currency)
    moneys = [money for money, _ in movements_of(known, du).values()]
    if not moneys:
        return amount if status in OPEN or status == "lost" else 0
    settled = currency if currency in {m.currency for m in moneys} else min(moneys).currency
    amounts = [money.amount for money in moneys if money.currency == settled]
    gone = max(0, -sum(amounts))
    if settled == currency:
        return gone
    withdrawn = -sum(one for one in amounts if one < 0)
    return (amount * gone + withdrawn // 2) // withdrawn if withdrawn else 0


def _contradict(state: State, known: Known, du: str, status: str | None) -> None:
    moneys = [money.amount for money, _ in movements_of(known, du).values()]
    currencies = known.currencies_of(DISPUTE_AMOUNT, du)
    if not state.known:
        state.odd("orphan_dispute", du, "a payment", "a dispute alone")
    if status == "won" and sum(moneys) < 0:
        state.odd("won_without_reinstatement", du, 0, sum(moneys))
    if known.has(DISPUTE_REINSTATED, du) and not any(amount > 0 for amount in moneys):
        state.odd("reinstated_without_movement", du, "a movement of money", "none")
    if currencies and currencies != [state.currency]:
        state.odd("dispute_currency", du, state.currency, " ".join(currencies))
