"""The summary: one look at a period, from indexes and stored counts alone."""

from __future__ import annotations

from collections import Counter
from datetime import datetime
from typing import Any

from sqlalchemy import func, select, union_all
from sqlalchemy.orm import Session

from payments.errors import InvalidQuery
from payments.models import UNFINISHED, Event, ReconciliationFinding, columns_of
from payments.models.reconciliation import OPEN
from payments.reconciliation.anomalies import find_anomalies
from payments.reconciliation.counts import Source, by_status, totals
from payments.reconciliation.hours import HOUR, hour_of
from payments.reconciliation.verdicts import coverage_of

DEFAULT_HOURS = 24
MOST_HOURS = 168
FINDINGS_SHOWN = 20


def summarize(
    session: Session,
    sources: dict[Source, bool],
    hours_back: int,
    now: datetime,
    *,
    job_timeout_seconds: int,
) -> dict[str, Any]:
    """What happened since the beginning of the hour that is `hours_back` hours ago.

    `sources` says of each configured account whether there is a key to ask its provider.

    Raises:
        InvalidQuery: `hours_back` is not from 1 to 168.
    """
    if not 1 <= hours_back <= MOST_HOURS:
        raise InvalidQuery(f"hours_back: use a whole number from 1 to {MOST_HOURS}.")
    start = hour_of(now) - hours_back * HOUR
    received = totals(session, start, now)
    by_provider: Counter[str] = Counter()
    by_type: Counter[str] = Counter()
    for (provider, event_type), number in received.items():
        by_provider[provider] += number
        by_type[event_type] += number
    anomalies = find_anomalies(session, start, now, job_timeout_seconds)
    return {
        "period_start": start,
        "period_end": now,
        "total_events": sum(received.values()),
        "events_by_provider": dict(by_provider.most_common()),
        "events_by_type": dict(by_type.most_common()),
        "events_by_status": by_status(session, start, now),
        "anomalies": [anomaly.describe() for anomaly in anomalies],
        "coverage": [it.describe() for it in coverage_of(session, sources, start, now)],
        "open_findings": _open_findings(session),
        "oldest_unfinished_event": oldest_unfinished(session, now),
        "generated_at": now,
    }


def _open_findings(session: Session) -> dict[str, Any]:
    """How many of which kind, and the latest of them."""
    finding = ReconciliationFinding
    counted = session.execute(
        select(finding.kind, func.count().label("number"))
        .where(finding.status == OPEN)
        .group_by(finding.kind)
    )
    by_kind = {row.kind: row.number for row in counted}
    latest = session.scalars(
        select(finding)
        .where(finding.status == OPEN)
        .order_by(finding.id.desc())
        .limit(FINDINGS_SHOWN)
    )
    return {
        "total": sum(by_kind.values()),
        "by_kind": by_kind,
        "latest": [columns_of(row) for row in latest],
    }


def oldest_unfinished(session: Session, now: datetime) -> dict[str, Any] | None:
    """The first one of each unfinished status, by the index; of them the oldest."""
    firsts = [
        select(Event.id, Event.received_at)
        .where(Event.status == status)
        .order_by(Event.id)
        .limit(1)
        .subquery()
        for status in UNFINISHED
    ]
    rows = session.execute(union_all(*(select(first) for first in firsts))).all()
    if not rows:
        return None
    oldest = min(rows, key=lambda row: (row.received_at, row.id))
    age = max(0.0, (now - oldest.received_at).total_seconds())
    return {"id": oldest.id, "age_seconds": round(age, 3)}
