"""One hour of one account: what is known of it, in a sentence, and which events are missing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from payments.models import (
    DeliveryCount,
    EventCount,
    ReconciliationFinding,
    ReconciliationHour,
    ReconciliationRun,
)
from payments.models.reconciliation import OPEN as OPEN_FINDING
from payments.reconciliation.counts import Source
from payments.reconciliation.hours import HOUR
from payments.reconciliation.kept_events import KIND, MADE_WITHIN
from payments.reconciliation.seen_hours import COMPLETE, GAPS, OPEN

MOST_SHOWN = 200
RUNS_SHOWN = 10
UNKNOWN = "unknown"


@dataclass(frozen=True, kw_only=True)
class HourView:
    """One hour.

    Attributes:
        known: its row; None where no run has looked at it.
        missing: findings that are open, about events of this hour; at most 200.
        runs: the latest runs of events whose window has this hour in it.
        received, backfilled: events that were received in this hour, by the counts.
        refused: deliveries that were refused for their signature.
    """

    source: Source
    hour: datetime
    known: ReconciliationHour | None
    missing: Sequence[ReconciliationFinding]
    runs: Sequence[ReconciliationRun]
    received: int
    backfilled: int
    refused: int

    @property
    def state(self) -> str:
        return self.known.state if self.known else UNKNOWN

    @property
    def sentence(self) -> str:
        """The plain verdict. Silence is never complete."""
        known, provider = self.known, self.source.provider
        if known is None:
            return "No run has compared this hour with the provider."
        numbers = (
            f"{provider} made {known.theirs:,}, {known.ours:,} "
            f"{'is' if known.ours == 1 else 'are'} here, {known.processed:,} processed"
        )
        if known.state == COMPLETE:
            return f"Nothing is missing: {numbers}."
        if known.state == GAPS:
            return f"{known.missing:,} {'is' if known.missing == 1 else 'are'} missing: {numbers}."
        if known.state == OPEN:
            return f"Still open, because the provider may lag: so far {numbers}."
        return "The last run was cut short within this hour; the next one takes it up again."


def look_at_hour(session: Session, source: Source, hour: datetime) -> HourView:
    """`hour` is the beginning of a full hour (UTC). Also of an hour that nothing is known of."""
    of_account = {"provider": source.provider, "account": source.account}
    received, backfilled = session.execute(
        select(func.sum(EventCount.received), func.sum(EventCount.backfilled)).filter_by(
            **of_account, hour=hour
        )
    ).one()
    return HourView(
        source=source,
        hour=hour,
        known=session.scalar(select(ReconciliationHour).filter_by(**of_account, hour=hour)),
        missing=_missing(session, source, hour),
        runs=_runs(session, source, hour),
        received=received or 0,
        backfilled=backfilled or 0,
        refused=session.scalar(select(DeliveryCount.refused).filter_by(**of_account, hour=hour))
        or 0,
    )


def _missing(session: Session, source: Source, hour: datetime) -> Sequence[ReconciliationFinding]:
    finding = ReconciliationFinding
    query = (
        select(finding)
        .where(
            finding.status == OPEN_FINDING,
            finding.source == KIND,
            finding.provider == source.provider,
            finding.account == source.account,
            finding.expected.contains(MADE_WITHIN.format(hour), autoescape=True),
        )
        .order_by(finding.id.desc())
        .limit(MOST_SHOWN)
    )
    return session.scalars(query).all()


def _runs(session: Session, source: Source, hour: datetime) -> Sequence[ReconciliationRun]:
    run = ReconciliationRun
    query = (
        select(run)
        .where(
            run.provider == source.provider,
            run.account == source.account,
            run.kind == KIND,
            run.window_start < hour + HOUR,
            run.window_end > hour,
        )
        .order_by(run.id.desc())
        .limit(RUNS_SHOWN)
    )
    return session.scalars(query).all()
