"""From the facts that belong together to the payment that they tell of."""

from __future__ import annotations

from collections.abc import Callable, Collection

from payments.projection.contradictions import contradict
from payments.projection.facts import Fact, Projection
from payments.projection.known import Known
from payments.projection.paypal_fold import fold_paypal
from payments.projection.roots import objects_of as objects_of
from payments.projection.roots import root_of
from payments.projection.state import State, status_of
from payments.projection.stripe_fold import fold_stripe
from payments.projection.vocabulary import LINKS

FOLDS: dict[str, Callable[[Known], State]] = {"paypal": fold_paypal, "stripe": fold_stripe}


def project(provider: str, facts: Collection[Fact]) -> Projection | None:
    """The payment of one connected set of facts: all objects that `PARENT` facts link.

    The same for any order and any repetition of the facts.

    Returns:
        None where there is no payment: no facts, or nothing but links (of a session, an invoice).
    """
    fold = FOLDS.get(provider)
    if fold is None or all(fact.kind in LINKS for fact in facts):
        return None
    known = Known(facts)
    state = fold(known)
    contradict(provider, facts, known, state)
    return Projection(
        payment_id=root_of(provider, facts, known),
        status=status_of(state),
        currency=state.currency,
        amount_authorized=state.authorized,
        amount_captured=state.captured,
        amount_refunded=state.refunded,
        amount_disputed=state.disputed,
        amount_fee=state.fee,
        fee_currency=state.fee_currency,
        contradictions=frozenset(state.contradictions),
    )
