"""PayPal's facts, folded: what was authorized and captured, and how the attempts went."""

from __future__ import annotations

from payments.projection.known import Known
from payments.projection.paypal_dispute_fold import fold_disputes
from payments.projection.paypal_refund_fold import fold_refunds
from payments.projection.state import State
from payments.projection.vocabulary import (
    AUTHORIZATION_AMOUNT,
    AUTHORIZATION_RANKS,
    AUTHORIZATION_STATUS,
    CAPTURE_AMOUNT,
    CAPTURE_COUNTS,
    CAPTURE_FINAL,
    CAPTURE_RANKS,
    CAPTURE_REFUNDED_TOTAL,
    CAPTURE_STATUS,
    DISPUTE_AMOUNT,
    ORDER_RANKS,
    ORDER_STATUS,
    REFUND_AMOUNT,
    Ranks,
    top,
)

# Where a payment's currency is looked for, in this order.
CURRENCY_KINDS = (
    (CAPTURE_AMOUNT,),
    (AUTHORIZATION_AMOUNT,),
    (REFUND_AMOUNT, CAPTURE_REFUNDED_TOTAL),
    (DISPUTE_AMOUNT,),
)
OWN_KINDS = (
    ORDER_STATUS,
    AUTHORIZATION_STATUS,
    AUTHORIZATION_AMOUNT,
    CAPTURE_STATUS,
    CAPTURE_AMOUNT,
)
ENDED = ("voided", "expired")
FAILED = ("denied", "declined", "failed")


def fold_paypal(known: Known) -> State:
    currency = next((found[0] for k in CURRENCY_KINDS if (found := known.currencies(k))), None)
    state = State(currency=currency, known=bool(known.objects(*OWN_KINDS)))
    orders = _statuses(known, ORDER_STATUS, ORDER_RANKS)
    authorizations = _statuses(known, AUTHORIZATION_STATUS, AUTHORIZATION_RANKS)
    captures = _statuses(known, CAPTURE_STATUS, CAPTURE_RANKS)
    counted = [one for one, status in captures.items() if status in CAPTURE_COUNTS]
    _fold_attempts(state, orders, authorizations, captures)
    _fold_amounts(state, known, authorizations, counted)
    state.released = _released(known, authorizations, counted)
    fold_disputes(state, known)
    fold_refunds(state, known, counted)
    _contradict(state, known, captures)
    return state


def _statuses(known: Known, kind: str, ranks: Ranks) -> dict[str, str | None]:
    return {one: top(known.values(kind, one), ranks) for one in known.objects(kind)}


def _fold_attempts(
    state: State,
    orders: dict[str, str | None],
    authorizations: dict[str, str | None],
    captures: dict[str, str | None],
) -> None:
    order = top([status for status in orders.values() if status], ORDER_RANKS)
    held = [status for status in authorizations.values() if status not in (*ENDED, *FAILED)]
    ended = bool(authorizations) and all(one in ENDED for one in authorizations.values())
    state.canceled = order in ("voided", "reversed") or ended
    state.held = any(status != "pending" for status in held)
    state.live = "pending" in held or "pending" in captures.values()
    state.requires_action = order == "payer_action_required"
    attempts = (*captures.values(), *authorizations.values(), order)
    state.attempt_failed = any(status in FAILED for status in attempts)


def _fold_amounts(
    state: State, known: Known, authorizations: dict[str, str | None], counted: list[str]
) -> None:
    """Authorized: the largest, since one may replace another; or all that captures were made of."""
    captured = {one: known.most(CAPTURE_AMOUNT, one, state.currency) for one in counted}
    state.captured = sum(captured.values())
    amounts = {
        one: known.most(AUTHORIZATION_AMOUNT, one, state.currency)
        for one, status in authorizations.items()
        if status not in (*FAILED, "pending")
    }
    used = sum(amount for one, amount in amounts.items() if set(known.children(one)) & set(counted))
    largest = max(amounts.values(), default=0)
    state.authorized = max(largest, used) if amounts else state.captured


def _released(known: Known, authorizations: dict[str, str | None], counted: list[str]) -> bool:
    """Nothing more will be captured: PayPal or the merchant said so."""
    ended = any(status in (*ENDED, "captured") for status in authorizations.values())
    return ended or any(known.has(CAPTURE_FINAL, one) for one in counted)


def _contradict(state: State, known: Known, captures: dict[str, str | None]) -> None:
    for one, status in captures.items():
        said = known.values(CAPTURE_STATUS, one)
        if status == "completed_held":
            state.odd("funds_held", one, "completed", "completed, and held by PayPal")
        _two_ends(state, one, said, FAILED, CAPTURE_COUNTS)
    for one in known.objects(AUTHORIZATION_STATUS):
        said = known.values(AUTHORIZATION_STATUS, one)
        _two_ends(state, one, said, ("denied",), ("captured", "partially_captured"))
    for one in known.objects(ORDER_STATUS):
        _two_ends(state, one, known.values(ORDER_STATUS, one), ("voided",), ("completed",))


def _two_ends(
    state: State, one: str, said: list[str], bad: tuple[str, ...], good: tuple[str, ...]
) -> None:
    if set(said) & set(bad) and set(said) & set(good):
        state.odd("two_terminal_statuses", one, "one", " and ".join(said))
