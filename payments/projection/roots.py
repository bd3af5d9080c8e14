"""Which of the objects that are linked to each other is the payment."""

from __future__ import annotations

from collections.abc import Collection

from payments.projection.facts import PARENT, Fact
from payments.projection.known import Known
from payments.projection.vocabulary import (
    AUTHORIZATION_STATUS,
    CAPTURE_STATUS,
    CHARGE_STATUS,
    INTENT_STATUS,
    ORDER_NAMED,
    ORDER_STATUS,
)

# PayPal's payments of its first API; all other ids of PayPal look alike.
PAYPAL_PAYMENT = ("PAY-", "PAYID-")


def objects_of(facts: Collection[Fact]) -> frozenset[str]:
    """All objects that the facts mention: what they are about, and the parents they name."""
    about = {fact.object_id for fact in facts}
    return frozenset(about | {fact.value for fact in facts if fact.kind == PARENT})


def root_of(provider: str, facts: Collection[Fact], known: Known) -> str:
    """The payment's id: order > PAY-, PAYID- > authorization > transaction; intent > charge.

    Of several that are equal the one above, and then the smallest, so that the answer is one.
    """
    rank = _paypal_rank if provider == "paypal" else _stripe_rank
    return min(objects_of(facts), key=lambda one: (rank(known, one), _depth(known, one), one))


def two_parents(provider: str, known: Known) -> dict[str, list[str]]:
    """Objects that are said to be a part of two others, neither of which is a part of the other.

    PayPal names an order in one event and an authorization in the next: two of one kind only.
    """
    rank = _paypal_rank if provider == "paypal" else _stripe_rank
    found: dict[str, list[str]] = {}
    for child in known.objects(PARENT):
        parents = known.nearest_parents(child)
        if len(parents) > 1 and len(parents) > len({rank(known, parent) for parent in parents}):
            found[child] = parents
    return found


def _stripe_rank(known: Known, one: str) -> int:
    if one.startswith("pi_") or known.has(INTENT_STATUS, one):
        return 0
    return 1 if known.has(CHARGE_STATUS, one) or known.children(one) else 2


def _paypal_rank(known: Known, one: str) -> int:
    if known.has(ORDER_STATUS, one) or known.has(ORDER_NAMED, one):
        return 0
    if one.startswith(PAYPAL_PAYMENT):
        return 1
    if known.has(AUTHORIZATION_STATUS, one):
        return 2
    return 3 if known.has(CAPTURE_STATUS, one) or known.children(one) else 4


def _depth(known: Known, one: str) -> int:
    return len(known.ancestors(one))
