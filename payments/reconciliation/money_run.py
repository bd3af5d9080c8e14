"""One account's payments, compared one by one."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from payments.database import transaction
from payments.models import utc_now
from payments.reconciliation.comparing import (
    MISSING_PAYMENT,
    UNKNOWN_AT_PROVIDER,
    Terms,
    Theirs,
    differences,
    kinds_judged,
)
from payments.reconciliation.counts import Source
from payments.reconciliation.findings import Discrepancy, Scope, settle
from payments.reconciliation.kept import KeptPayments
from payments.reconciliation.runs import Window

KIND = "money"


class Payments(Protocol):
    """One account's provider, asked for payments; raises CannotAsk where it does not answer."""

    notes: set[str]

    def made_between(self, start: datetime, end: datetime) -> Iterator[Theirs]: ...

    def one(self, payment_id: str, objects: Mapping[str, frozenset[str]]) -> Theirs | None: ...


@dataclass
class MoneyRun:
    """One account's run, payment by payment.

    Attributes:
        found: what does not agree; kept only where nothing is written (a dry run).
        met: the payments that this run has compared.
        unreadable: what the provider's objects say and nobody can read.
    """

    source: Source
    payments: Payments
    kept: KeptPayments
    dry_run: bool
    run_id: int
    open_subjects: set[str] = field(default_factory=set)
    found: list[Discrepancy] = field(default_factory=list)
    met: set[str] = field(default_factory=set)
    unreadable: list[str] = field(default_factory=list)
    numbers: Counter[str] = field(default_factory=Counter)

    def look_at(self, window: Window) -> None:
        """Compare what was made there in this time, and what was changed here."""
        for theirs in self.payments.made_between(window.start, window.end):
            if theirs.terms.payment_id not in self.met:
                self.numbers["theirs"] += 1
                self._meet(theirs.terms.payment_id, theirs)
        for ours in self.kept.changed_between(window.start, window.end):
            self.numbers["ours"] += 1
            if ours.payment_id not in self.met:
                self._meet(ours.payment_id, self._ask(ours.payment_id))

    def look_again(self, subjects: list[str]) -> None:
        """Look at payments with open findings that were not in the window."""
        for subject in subjects:
            if subject not in self.met:
                self._meet(subject, self._ask(subject))

    def knows_none_of(self, probes: list[str]) -> bool:
        return bool(probes) and all(self._ask(probe) is None for probe in probes)

    def _ask(self, payment_id: str) -> Theirs | None:
        return self.payments.one(payment_id, self.kept.objects(payment_id))

    def _meet(self, payment_id: str, theirs: Theirs | None) -> None:
        """Compare; where it does not agree, ask and look once more: both may just have changed."""
        self.met.add(payment_id)
        found = self._compare(payment_id, theirs)
        if found:
            theirs = self._ask(payment_id) or theirs
            found = self._compare(payment_id, theirs)
        if theirs is not None and theirs.unreadable:
            self.unreadable.append(theirs.unreadable)
        elif found is not None:
            self._keep(payment_id, theirs, found)

    def _compare(self, payment_id: str, theirs: Theirs | None) -> list[Discrepancy] | None:
        """What does not agree; None where nothing can be said."""
        ours = self.kept.by_id(payment_id)
        if theirs is None:
            return None if ours is None else _alone(UNKNOWN_AT_PROVIDER, payment_id, ours)
        if theirs.unreadable:
            return None
        if ours is None:
            return _alone(MISSING_PAYMENT, payment_id, theirs.terms)
        return differences(payment_id, ours, theirs)

    def _keep(self, payment_id: str, theirs: Theirs | None, found: list[Discrepancy]) -> None:
        self.numbers["processed"] += not found
        self.numbers["findings"] += len(found)
        self.numbers["missing"] += any(it.kind == MISSING_PAYMENT for it in found)
        if self.dry_run:
            self.found += found
        elif found or payment_id in self.open_subjects:
            kinds = None if theirs is None else kinds_judged(theirs)
            scope = Scope(**vars(self.source), source=KIND)
            with transaction() as session:
                settle(
                    session,
                    scope,
                    {payment_id},
                    found,
                    utc_now(),
                    run_id=self.run_id,
                    kinds=kinds,
                )

    def take_numbers(self) -> dict[str, int]:
        """What was counted since they were taken last."""
        taken, self.numbers = dict(self.numbers), Counter()
        return taken


def _alone(kind: str, subject: str, terms: Terms) -> list[Discrepancy]:
    """A payment that only one side knows; it matters where it is about money."""
    if not terms.holds_money:
        return []
    side = "expected" if kind == MISSING_PAYMENT else "found"
    return [Discrepancy(kind=kind, subject=subject, **{side: str(terms)})]
