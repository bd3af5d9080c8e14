"""Comparing a payment as it is kept here with what its provider says of it. Pure functions."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from payments.models import Payment
from payments.projection.facts import Projection
from payments.reconciliation.findings import Discrepancy

AMOUNTS = ("amount_authorized", "amount_captured", "amount_refunded", "amount_disputed")
COMPARED = ("status", "currency", *AMOUNTS)
MISSING_PAYMENT = "missing_payment"
UNKNOWN_AT_PROVIDER = "unknown_at_provider"
# No money has moved or is held: such a payment is left out of events by many endpoints.
QUIET = ("created", "requires_action", "failed", "canceled", "unknown")
# What a provider's object states and nobody can read: such a payment is not compared.
UNREADABLE = ("unreadable_amount", "unknown_currency", "excess_digits", "unknown_status")
# What nobody can say who may not see disputes.
OF_DISPUTES = frozenset({"amount_disputed", "status"})
# That PayPal took the money back by itself, only the type of an event says: to its objects, such a
# payment is refunded.
ONLY_EVENTS_TELL = (("reversed", "refunded"),)


@dataclass(frozen=True, kw_only=True)
class Terms:
    """A payment in the terms in which the two sides are compared. Amounts in minor units."""

    payment_id: str
    status: str
    currency: str | None
    amount_authorized: int
    amount_captured: int
    amount_refunded: int
    amount_disputed: int

    @property
    def holds_money(self) -> bool:
        return self.status not in QUIET or any(getattr(self, name) for name in AMOUNTS)

    def __str__(self) -> str:
        """As a finding tells it."""
        money = [f"{name} {self.told(name)}" for name in AMOUNTS if getattr(self, name)]
        return ", ".join([self.status, *money])

    def told(self, name: str) -> str | None:
        value = getattr(self, name)
        return f"{value} {self.currency or '?'}" if name in AMOUNTS else value


@dataclass(frozen=True, kw_only=True)
class Theirs:
    """A payment by the provider's own objects.

    Attributes:
        unseen: the fields of which the provider let us see nothing; they are not compared.
        unreadable: what its objects say that cannot be read, in words; None where all can.
    """

    terms: Terms
    unseen: frozenset[str] = frozenset()
    unreadable: str | None = None


def theirs_of(projection: Projection, unseen: Collection[str] = ()) -> Theirs:
    odd = sorted(it for it in projection.contradictions if it.kind in UNREADABLE)
    told = [f"{it.detail} should be {it.expected}, and is {it.found}" for it in odd]
    return Theirs(
        terms=terms_of(projection),
        unseen=frozenset(unseen),
        unreadable="; ".join(told) or None,
    )


def terms_of(payment: Payment | Projection) -> Terms:
    """Of our row, or of what the provider's objects come to."""
    return Terms(payment_id=payment.payment_id, **{it: getattr(payment, it) for it in COMPARED})


def kinds_judged(theirs: Theirs) -> frozenset[str]:
    """The kinds of findings that this comparison could have made."""
    return frozenset({*COMPARED, MISSING_PAYMENT, UNKNOWN_AT_PROVIDER}) - theirs.unseen


def differences(subject: str, ours: Terms, theirs: Theirs) -> list[Discrepancy]:
    """One for each field that does not agree: the provider's word is what it should be."""
    return [
        Discrepancy(
            kind=name,
            subject=subject,
            expected=theirs.terms.told(name),
            found=ours.told(name),
        )
        for name in COMPARED
        if name not in theirs.unseen
        and not _agree(getattr(ours, name), getattr(theirs.terms, name))
    ]


def _agree(ours: str | int | None, theirs: str | int | None) -> bool:
    return ours == theirs or (ours, theirs) in ONLY_EVENTS_TELL
