"""A Stripe payment's intent and its charges, each as all its facts together tell it."""

from __future__ import annotations

from dataclasses import dataclass

from payments.projection.known import Known
from payments.projection.vocabulary import (
    CHARGE_AMOUNT,
    CHARGE_CAPTURED,
    CHARGE_CAPTURED_WHOLE,
    CHARGE_EXPIRED,
    CHARGE_RANKS,
    CHARGE_REFUNDED,
    CHARGE_REFUNDED_OR_RELEASED,
    CHARGE_STATUS,
    INTENT_AMOUNT,
    INTENT_AUTHORIZED,
    INTENT_FINAL,
    INTENT_RANKS,
    INTENT_RECEIVED,
    INTENT_STATUS,
    top,
)

CHARGE_KINDS = (
    CHARGE_AMOUNT,
    CHARGE_CAPTURED,
    CHARGE_CAPTURED_WHOLE,
    CHARGE_EXPIRED,
    CHARGE_REFUNDED,
    CHARGE_REFUNDED_OR_RELEASED,
    CHARGE_STATUS,
)
INTENT_KINDS = (INTENT_AMOUNT, INTENT_AUTHORIZED, INTENT_RECEIVED, INTENT_STATUS)


@dataclass(frozen=True, kw_only=True)
class Charge:
    """Amounts in minor units of the payment's currency.

    Attributes:
        captured: 0 where the attempt failed, also where it failed after all.
        refunded: the most that a snapshot of the charge stated, releases included.
        released: of `refunded`, what had never been captured (before basil).
        alone: no intent is above it.
    """

    id: str
    status: str | None
    amount: int
    captured: int
    refunded: int
    released: int
    expired: bool
    alone: bool

    @property
    def good(self) -> bool:
        return self.status not in ("failed", "clawed_back")

    @property
    def given_up(self) -> bool:
        """It was authorized, and nothing was captured before the authorization ended."""
        return self.good and not self.captured and (self.expired or self.released > 0)

    @property
    def held(self) -> bool:
        return self.status == "succeeded" and not self.captured and not self.given_up


@dataclass(frozen=True, kw_only=True)
class Intent:
    """`status` is None where there is no intent, or only one that processes a failed charge."""

    ids: tuple[str, ...]
    status: str | None
    authorized: int
    received: int


def charges_of(known: Known, currency: str | None) -> list[Charge]:
    return [_charge(known, ch, currency) for ch in known.objects(*CHARGE_KINDS)]


def _charge(known: Known, ch: str, currency: str | None) -> Charge:
    status = top(known.values(CHARGE_STATUS, ch), CHARGE_RANKS)
    amount = known.most(CHARGE_AMOUNT, ch, currency)
    captured = known.most(CHARGE_CAPTURED, ch, currency)
    captured = captured or known.most(CHARGE_CAPTURED_WHOLE, ch, currency)
    old = known.most(CHARGE_REFUNDED_OR_RELEASED, ch, currency)
    return Charge(
        id=ch,
        status=status,
        amount=amount,
        captured=0 if status in ("failed", "clawed_back") else captured,
        refunded=max(old, known.most(CHARGE_REFUNDED, ch, currency)),
        released=max(0, min(amount - captured, old)),
        expired=known.has(CHARGE_EXPIRED, ch),
        alone=not known.parents(ch),
    )


def intent_of(known: Known, currency: str | None, charges: list[Charge]) -> Intent:
    ids = known.objects(*INTENT_KINDS)
    failed = {charge.id for charge in charges if not charge.good}
    said = [value for pi in ids for value in known.values(INTENT_STATUS, pi)]
    received = max((known.most(INTENT_RECEIVED, pi, currency) for pi in ids), default=0)
    held = max((known.most(INTENT_AUTHORIZED, pi, currency) for pi in ids), default=0)
    return Intent(
        ids=tuple(ids),
        status=_intent_status(said, failed),
        authorized=max(held, received),
        received=received,
    )


def _intent_status(said: list[str], failed: set[str]) -> str | None:
    final = top([value for value in said if value in INTENT_FINAL], INTENT_RANKS)
    if final:
        return final
    moments = [(int(created), status, charge) for created, status, charge in map(_parts, said)]
    live = [moment for moment in moments if moment[2] not in failed]
    latest = max(live, key=lambda m: (m[0], INTENT_RANKS.get(m[1], -1), m[1]), default=None)
    return latest[1] if latest else None


def _parts(said: str) -> tuple[str, str, str | None]:
    created, status, *charge = said.split(" ")
    return created, status, charge[0] if charge else None
