"""Facts that do not agree, of kinds that both providers share.

Each kind has a name that stays, since findings are known by it; docs/payments.md lists them all.
"""

from __future__ import annotations

from collections.abc import Collection

from payments.projection.facts import Fact
from payments.projection.known import Known
from payments.projection.roots import two_parents
from payments.projection.state import State
from payments.projection.statements import CONTRADICTION
from payments.projection.vocabulary import (
    AUTHORIZATION_AMOUNT,
    CAPTURE_AMOUNT,
    CHARGE_AMOUNT,
    CHARGE_CAPTURED,
    DISPUTE_AMOUNT,
    INTENT_AMOUNT,
    REFUND_AMOUNT,
    REFUND_STATUS,
)

# Of these an object has one, for ever.
FIXED_AMOUNTS = (
    AUTHORIZATION_AMOUNT,
    CAPTURE_AMOUNT,
    CHARGE_AMOUNT,
    DISPUTE_AMOUNT,
    REFUND_AMOUNT,
)
CURRENCY_KINDS = (*FIXED_AMOUNTS, CHARGE_CAPTURED, INTENT_AMOUNT)


def contradict(provider: str, facts: Collection[Fact], known: Known, state: State) -> None:
    """Add what does not agree to the state's contradictions."""
    _add_stated(facts, state)
    _add_links(provider, known, state)
    _add_amounts(known, state)
    _add_currencies(known, state)
    _add_sums(state)


def _add_stated(facts: Collection[Fact], state: State) -> None:
    """What an event got wrong by itself: "field: expected x, found y"."""
    for fact in facts:
        if fact.kind.startswith(CONTRADICTION):
            field, _, said = fact.value.partition(": expected ")
            expected, _, found = said.partition(", found ")
            kind = fact.kind.removeprefix(CONTRADICTION)
            state.odd(kind, f"{fact.object_id} {field}", expected, found)


def _add_links(provider: str, known: Known, state: State) -> None:
    for child, parents in two_parents(provider, known).items():
        state.odd("two_parents", child, "one", " ".join(parents))
    for refund in known.objects(REFUND_AMOUNT, REFUND_STATUS):
        if not known.parents(refund):
            state.odd("refund_without_parent", refund, "what it refunds", "nothing")
        elif not state.known:
            state.odd("orphan_refund", refund, "a payment", "a refund alone")


def _add_amounts(known: Known, state: State) -> None:
    for kind in FIXED_AMOUNTS:
        for object_id in known.objects(kind):
            values = known.values(kind, object_id)
            if len(values) > 1 and not _incremented(known, kind, object_id):
                state.odd("amount_changed", f"{object_id} {kind}", "one", " and ".join(values))


def _incremented(known: Known, kind: str, charge: str) -> bool:
    """An authorization may be raised, and then the charge's amount is the intent's each time."""
    intents = {v for parent in known.parents(charge) for v in known.values(INTENT_AMOUNT, parent)}
    return kind == CHARGE_AMOUNT and set(known.values(kind, charge)) <= intents


def _add_currencies(known: Known, state: State) -> None:
    """Amounts in another currency than the payment's are in none of its sums."""
    kinds = [kind for kind in CURRENCY_KINDS if kind != DISPUTE_AMOUNT]
    for kind in kinds:
        for object_id in known.objects(kind):
            others = [one for one in known.currencies_of(kind, object_id) if one != state.currency]
            if others:
                state.odd("several_currencies", object_id, state.currency, " ".join(others))


def _add_sums(state: State) -> None:
    if not state.known:
        return
    if state.refunded > state.captured:
        state.odd("refunded_exceeds_captured", "", state.captured, state.refunded)
    elif state.refunded + state.disputed > state.captured:
        total = state.refunded + state.disputed
        state.odd("refunded_and_disputed_exceed_captured", "", state.captured, total)
