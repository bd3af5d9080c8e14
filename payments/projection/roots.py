"""Which of the objects that are linked to each other is the payment."""

from __future__ import annotations

from collections.abc import Collection

from payments.projection.facts import PARENT, Fact
from payments.projection.known import Known
from payments.projection.vocabulary import AUTHORIZATION_STATUS, ORDER_NAMED, ORDER_STATUS

# PayPal's payments of its first API; all other ids of PayPal look alike.
PAYPAL_PAYMENT = ("PAY-", "PAYID-")
# How a kind of fact begins that is about an attempt to move money.
ATTEMPTS = ("intent.", "charge.", "authorization.", "capture.")


def objects_of(facts: Collection[Fact]) -> frozenset[str]:
    """All objects that the facts mention: what they are about, and the parents they name."""
    about = {fact.object_id for fact in facts}
    return frozenset(about | {fact.value for fact in facts if fact.kind == PARENT})


def root_of(provider: str, facts: Collection[Fact], known: Known) -> str:
    """The payment's id: order > PAY-, PAYID- > authorization > transaction; intent > charge.

    Of several that are equal the smallest, so that the answer is one.
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
        parents = known.parents(child)
        above = {one for parent in parents for one in known.ancestors(parent) if one != parent}
        direct = [parent for parent in parents if parent not in above]
        kinds = [rank(known, parent) for parent in direct]
        if len(kinds) > len(set(kinds)):
            found[child] = direct
    return found


def _stripe_rank(known: Known, one: str) -> int:
    if one.startswith("pi_") or any(known.has(kind, one) for kind in _kinds(known, "intent.")):
        return 0
    return 1 if one.startswith(("ch_", "py_")) or _is_attempt(known, one) else 2


def _paypal_rank(known: Known, one: str) -> int:
    if known.has(ORDER_STATUS, one) or known.has(ORDER_NAMED, one):
        return 0
    if one.startswith(PAYPAL_PAYMENT):
        return 1
    if known.has(AUTHORIZATION_STATUS, one):
        return 2
    if _is_attempt(known, one):
        return 3
    return 4 if any(one in known.parents(child) for child in known.objects(PARENT)) else 5


def _is_attempt(known: Known, one: str) -> bool:
    return any(known.has(kind, one) for prefix in ATTEMPTS for kind in _kinds(known, prefix))


def _kinds(known: Known, prefix: str) -> list[str]:
    return [kind for kind in known.kinds if kind.startswith(prefix)]


def _depth(known: Known, one: str) -> int:
    return len(known.ancestors(one))
