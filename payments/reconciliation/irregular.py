"""Anomalies that rows state: missing events, taken ids, and events that nobody attempts."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from payments.models import UNFINISHED, Event, EventConflict, ReconciliationHour
from payments.reconciliation.anomaly import Anomaly, in_words
from payments.reconciliation.counts import Source

# Of events that are stuck or in conflict, no more are read: it is a number for people.
MOST_READ = 1000


def gaps(session: Session, start: datetime) -> Iterator[Anomaly]:
    hour = ReconciliationHour
    query = (
        select(
            hour.provider,
            hour.account,
            func.min(hour.hour).label("since"),
            func.count().label("hours"),
            func.sum(hour.missing).label("missing"),
        )
        .where(hour.hour >= start, hour.state == "gaps")
        .group_by(hour.provider, hour.account)
    )
    for row in session.execute(query):
        source = Source(row.provider, row.account)
        yield Anomaly(
            kind="gaps",
            provider=row.provider,
            account=row.account,
            since=row.since,
            message=f"Missing here: {in_words(row.missing)} of {source}.",
            numbers={"missing": row.missing, "hours": row.hours},
        )


def conflicts(session: Session, start: datetime) -> Iterator[Anomaly]:
    query = (
        select(Event.provider, Event.account, EventConflict.received_at)
        .join(Event, Event.id == EventConflict.event_id)
        .where(EventConflict.received_at >= start)
        .order_by(EventConflict.received_at.desc())
        .limit(MOST_READ)
    )
    for source, times in _times_by_source(session.execute(query)).items():
        yield Anomaly(
            kind="conflicts",
            provider=source.provider,
            account=source.account,
            since=min(times),
            message=f"{source} has used the id of one event for another {len(times)} times; "
            "all are kept.",
            numbers={"conflicts": len(times)},
        )


def stuck_events(session: Session, now: datetime, after: timedelta) -> Iterator[Anomaly]:
    """Overdue: an event that waits for the time of its next attempt is not stuck."""
    query = (
        select(Event.provider, Event.account, Event.received_at)
        .where(Event.status.in_(UNFINISHED), Event.next_attempt_at < now - after)
        .order_by(Event.next_attempt_at)
        .limit(MOST_READ)
    )
    for source, times in _times_by_source(session.execute(query)).items():
        oldest = (now - min(times)).total_seconds()
        yield Anomaly(
            kind="stuck_events",
            provider=source.provider,
            account=source.account,
            since=min(times),
            message=f"Overdue, and not attempted: {in_words(len(times))} of {source}. "
            "Do the workers run?",
            numbers={"events": len(times), "oldest_seconds": round(oldest)},
        )


def _times_by_source(rows: Any) -> dict[Source, list[datetime]]:
    found: dict[Source, list[datetime]] = {}
    for provider, account, received_at in rows:
        found.setdefault(Source(provider, account), []).append(received_at)
    return found
