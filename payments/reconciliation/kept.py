"""Payments as they are kept here, in the terms of the comparison."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime

from sqlalchemy import ColumnElement, or_, select

from payments.database import snapshot
from payments.models import Payment, PaymentChange, PaymentObject, ReconciliationFinding
from payments.models.reconciliation import OPEN
from payments.reconciliation.comparing import QUIET, Terms, terms_of
from payments.reconciliation.counts import Source

BATCH = 200
MOST_OPEN = 2000


class KeptPayments:
    """The payments of one account; those of the mode (live or test) that a key sees."""

    def __init__(self, source: Source, livemode: bool | None) -> None:
        self._source = source
        self._livemode = livemode

    def by_id(self, payment_id: str) -> Terms | None:
        """The payment that has this id, or has this object as a part."""
        return self._one(Payment.payment_id == payment_id) or self._one(
            Payment.id.in_(
                select(PaymentObject.payment_id).where(
                    PaymentObject.object_id == payment_id,
                    PaymentObject.provider == self._source.provider,
                    PaymentObject.account == self._source.account,
                )
            )
        )

    def has_object(self, object_id: str) -> bool:
        return self.by_id(object_id) is not None

    def changed_between(self, start: datetime, end: datetime) -> Iterator[Terms]:
        """Those whose latest event the provider made in that time, in batches."""
        after = 0
        while True:
            with snapshot() as session:
                rows = session.scalars(
                    select(Payment)
                    .where(
                        *self._ours(),
                        Payment.last_event_at >= start,
                        Payment.last_event_at < end,
                        Payment.id > after,
                    )
                    .order_by(Payment.id)
                    .limit(BATCH)
                ).all()
            yield from map(terms_of, rows)
            if len(rows) < BATCH:
                return
            after = rows[-1].id

    def latest(self, number: int) -> Sequence[Terms]:
        """The latest ones that hold money."""
        query = (
            select(Payment)
            .where(*self._ours(), Payment.status.not_in(QUIET))
            .order_by(Payment.id.desc())
            .limit(number)
        )
        with snapshot() as session:
            return [terms_of(row) for row in session.scalars(query)]

    def objects(self, payment_id: str) -> dict[str, frozenset[str]]:
        """The ids of the payment's objects by what they are: the first word of a fact's kind."""
        found: dict[str, set[str]] = {}
        query = (
            select(PaymentChange.kind, PaymentChange.object_id)
            .join(Payment, Payment.id == PaymentChange.payment_id)
            .where(
                Payment.provider == self._source.provider,
                Payment.account == self._source.account,
                Payment.payment_id == payment_id,
            )
        )
        with snapshot() as session:
            for kind, object_id in session.execute(query):
                found.setdefault(kind.partition(".")[0], set()).add(object_id)
        return {kind: frozenset(ids) for kind, ids in found.items()}

    def open_subjects(self) -> list[str]:
        """The payments about which a finding of money is open, the latest first."""
        finding = ReconciliationFinding
        query = (
            select(finding.subject)
            .where(
                finding.status == OPEN,
                finding.provider == self._source.provider,
                finding.account == self._source.account,
                finding.source == "money",
            )
            .order_by(finding.id.desc())
            .limit(MOST_OPEN)
        )
        with snapshot() as session:
            return list(dict.fromkeys(session.scalars(query)))

    def other_mode(self, start: datetime, end: datetime) -> bool:
        """Whether there are payments in that time that the key cannot see."""
        if self._livemode is None:
            return False
        query = (
            select(Payment.id)
            .where(
                *self._of_account(),
                Payment.livemode.is_(not self._livemode),
                Payment.last_event_at >= start,
                Payment.last_event_at < end,
            )
            .limit(1)
        )
        with snapshot() as session:
            return session.scalar(query) is not None

    def _one(self, which: ColumnElement[bool]) -> Terms | None:
        with snapshot() as session:
            query = select(Payment).where(*self._of_account(), which).limit(1)
            row = session.scalars(query).one_or_none()
            return terms_of(row) if row is not None else None

    def _ours(self) -> Iterator[ColumnElement[bool]]:
        yield from self._of_account()
        if self._livemode is not None:
            yield or_(Payment.livemode.is_(None), Payment.livemode.is_(self._livemode))

    def _of_account(self) -> Iterator[ColumnElement[bool]]:
        yield Payment.provider == self._source.provider
        yield Payment.account == self._source.account
