"""Stripe's facts, folded: what was authorized and captured, and how the attempts went."""

from __future__ import annotations

from payments.projection.known import Known
from payments.projection.money import Money
from payments.projection.state import State
from payments.projection.stripe_attempts import (
    CHARGE_KINDS,
    INTENT_KINDS,
    Charge,
    Intent,
    charges_of,
    intent_of,
)
from payments.projection.stripe_dispute_fold import fold_disputes, movements_of
from payments.projection.stripe_refund_fold import fold_refunds
from payments.projection.vocabulary import (
    CHARGE_AMOUNT,
    CHARGE_CAPTURED,
    CHARGE_CAPTURED_WHOLE,
    CHARGE_FEE,
    CHARGE_REFUNDED,
    CHARGE_REFUNDED_OR_RELEASED,
    CHARGE_STATUS,
    DISPUTE_AMOUNT,
    DISPUTE_MOVEMENT,
    INTENT_AMOUNT,
    INTENT_AUTHORIZED,
    INTENT_FINAL,
    INTENT_RECEIVED,
    INTENT_STATUS,
    REFUND_AMOUNT,
)

# Where a payment's currency is looked for, in this order.
CURRENCY_KINDS = (
    (CHARGE_CAPTURED, CHARGE_CAPTURED_WHOLE),
    (INTENT_RECEIVED, INTENT_AUTHORIZED, CHARGE_AMOUNT, INTENT_AMOUNT),
    (CHARGE_REFUNDED, CHARGE_REFUNDED_OR_RELEASED, REFUND_AMOUNT),
    (DISPUTE_AMOUNT,),
)


def fold_stripe(known: Known) -> State:
    currency = next((found[0] for k in CURRENCY_KINDS if (found := known.currencies(k))), None)
    state = State(currency=currency, known=bool(known.objects(*INTENT_KINDS, *CHARGE_KINDS)))
    charges = charges_of(known, currency)
    intent = intent_of(known, currency, charges)
    _fold_attempts(state, charges, intent)
    _fold_amounts(state, charges, intent)
    fold_refunds(state, known, charges, intent)
    fold_disputes(state, known)
    _fold_fees(state, known)
    _contradict(state, known, charges, intent)
    return state


def _fold_attempts(state: State, charges: list[Charge], intent: Intent) -> None:
    state.canceled = intent.status == "canceled" or any(charge.given_up for charge in charges)
    state.clawed_back = any(charge.status == "clawed_back" for charge in charges)
    state.held = intent.status == "requires_capture" or any(charge.held for charge in charges)
    pending = any(charge.status == "pending" for charge in charges)
    state.live = intent.status == "processing" or pending
    state.requires_action = intent.status == "requires_action"
    failed = any(charge.status == "failed" for charge in charges)
    state.attempt_failed = intent.status == "failed" or failed


def _fold_amounts(state: State, charges: list[Charge], intent: Intent) -> None:
    """A charge that failed after it had succeeded makes the intent's maxima worthless."""
    good = [charge for charge in charges if charge.good]
    state.authorized = max((charge.amount for charge in good), default=0)
    state.captured = sum(charge.captured for charge in good)
    if not state.clawed_back:
        state.authorized = max(state.authorized, intent.authorized)
        state.captured = max(state.captured, intent.received)
    # Without an intent a charge is captured once only; before basil the release was a refund.
    ended = any(charge.expired or charge.released or charge.alone for charge in good)
    state.released = intent.status in INTENT_FINAL or ended


def _fold_fees(state: State, known: Known) -> None:
    """What Stripe took for charges and disputes, in the currency of the settlement."""
    fees = [max(known.moneys(CHARGE_FEE, ch)) for ch in known.objects(CHARGE_FEE)]
    for du in known.objects(DISPUTE_MOVEMENT):
        fees += [Money(fee, money.currency) for money, fee in movements_of(known, du).values()]
    state.add_fees(fees)


def _contradict(state: State, known: Known, charges: list[Charge], intent: Intent) -> None:
    captured = [charge for charge in charges if charge.captured]
    total = sum(charge.captured for charge in captured)
    if total and intent.received not in (0, total):
        state.odd("captured_differs_from_received", "", intent.received, total)
    if len(captured) > 1:
        state.odd("two_captured_charges", "", 1, " ".join(charge.id for charge in captured))
    for charge in captured:
        if not known.most(CHARGE_CAPTURED, charge.id, state.currency):
            state.odd("missing_amount_captured", charge.id, "amount_captured", charge.captured)
    for pi in intent.ids:
        if set(INTENT_FINAL) <= set(known.values(INTENT_STATUS, pi)):
            state.odd("two_terminal_statuses", pi, "one", "canceled and succeeded")
    for charge in charges:
        said = set(known.values(CHARGE_STATUS, charge.id))
        if {"failed", "succeeded"} <= said and "clawed_back" not in said:
            state.odd("two_terminal_statuses", charge.id, "one", "failed and succeeded")
