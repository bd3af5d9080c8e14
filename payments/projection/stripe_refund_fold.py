"""Stripe's refunds, folded. Two witnesses: the refunds themselves, and what a charge says of them.

A charge's `amount_refunded` is a maximum that no failed refund lowers; refunds by id are exact, but
some ids may not be known. So both are needed.
"""

from __future__ import annotations

from dataclasses import dataclass

from payments.projection.known import Known
from payments.projection.state import State
from payments.projection.stripe_attempts import Charge, Intent
from payments.projection.vocabulary import (
    CHARGE_REFUND_LIST,
    CHARGE_REFUNDED,
    CHARGE_REFUNDED_OR_RELEASED,
    REFUND_AMOUNT,
    REFUND_BAD,
    REFUND_RANKS,
    REFUND_STATUS,
    top,
)

MORE = " and more"


@dataclass(frozen=True)
class Refunds:
    """Amounts by ids (`good` stands, `bad` failed), by charges, and what was only released."""

    good: int
    bad: int
    stated: int
    released: int

    @property
    def gap(self) -> int:
        """What charges state and no known refund explains."""
        return max(0, self.stated - self.good - self.bad)

    @property
    def total(self) -> int:
        return max(0, self.good + self.gap - self.released)


def fold_refunds(state: State, known: Known, charges: list[Charge], intent: Intent) -> None:
    ids = known.objects(REFUND_AMOUNT, REFUND_STATUS)
    bad = [re for re in ids if top(known.values(REFUND_STATUS, re), REFUND_RANKS) in REFUND_BAD]
    amounts = {re: known.most(REFUND_AMOUNT, re, state.currency) for re in ids}
    # While money is still held, the rest is not released: what is refunded was captured.
    held = intent.status == "requires_capture"
    refunds = Refunds(
        good=sum(amounts[re] for re in ids if re not in bad),
        bad=sum(amounts[re] for re in bad),
        stated=sum(charge.refunded for charge in charges),
        released=0 if held else sum(charge.released for charge in charges),
    )
    # Of a canceled payment that was never captured, nothing but releases can be refunds.
    void = intent.status == "canceled" and not state.captured
    state.refunded = 0 if void else refunds.total
    _contradict(state, known, charges, refunds)


def _contradict(state: State, known: Known, charges: list[Charge], refunds: Refunds) -> None:
    if refunds.gap > refunds.released:
        state.odd("refund_gap", "", refunds.stated, refunds.good + refunds.bad)
    for charge in charges:
        _contradict_list(state, known, charge, refunds)
        kinds = (CHARGE_REFUNDED, CHARGE_REFUNDED_OR_RELEASED)
        mixed = all(known.has(kind, charge.id) for kind in kinds)
        if mixed and charge.amount > charge.captured:
            state.odd("mixed_versions", charge.id, "versions before or after 2025-03-31", "both")


def _contradict_list(state: State, known: Known, charge: Charge, refunds: Refunds) -> None:
    """After a failure a maximum hides what was refunded since: only a whole list can tell."""
    lists = known.values(CHARGE_REFUND_LIST, charge.id)
    whole = max((int(one) for one in lists if not one.endswith(MORE)), default=0)
    ours = _refunds_of(known, charge)
    explained = 0 < refunds.stated <= refunds.good + refunds.bad
    if any(one.endswith(MORE) for one in lists) and not explained:
        state.odd("refund_list_has_more", charge.id, "all refunds", f"{len(ours)} and more")
    if refunds.bad and charge.refunded and whole < len(ours):
        state.odd("refunds_incomplete_after_failure", charge.id, "a list of all refunds", len(ours))


def _refunds_of(known: Known, charge: Charge) -> list[str]:
    ids = known.objects(REFUND_AMOUNT, REFUND_STATUS)
    return [re for re in ids if charge.id in known.parents(re)]
