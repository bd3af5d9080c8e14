"""How many events came in which hour: stored once an hour is over, counted live until then.

An hour is counted a while after its end, because an event is committed after it has arrived. An
hour that is not counted yet, for whatever reason, is read from the events themselves, through the
index on their arrival: a count that runs late makes an answer slower, and never wrong.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import structlog
from sqlalchemy import Select, case, func, insert, literal, select
from sqlalchemy.orm import Session

from payments.database import insert_into, snapshot, transaction
from payments.models import CountedHour, Event, EventCount
from payments.reconciliation.hours import HOUR, hour_of, hours_between

# A delivery gets its time of arrival before it is verified and committed.
SETTLED_AFTER = timedelta(minutes=5)
# What the longest summary compares its oldest hour with, and a day.
REACH = timedelta(days=16)

log = structlog.get_logger(__name__)


@dataclass(frozen=True, order=True)
class Source:
    """Where events come from: a provider's account."""

    provider: str
    account: str

    def __str__(self) -> str:
        return f"{self.provider} ({self.account})"


Hourly = dict[Source, dict[datetime, int]]


def count_hours(now: datetime) -> int:
    """Count every hour within `REACH` that is over and not counted; returns how many.

    Each is a transaction of its own. Two at once do not count one hour twice.
    """
    with snapshot() as session:
        first = session.scalar(select(func.min(Event.received_at)))
        if first is None:
            return 0
        start = max(hour_of(first), hour_of(now) - REACH)
        counted = _counted(session, start, now)
    over = [hour for hour in hours_between(start, now) if hour + HOUR + SETTLED_AFTER <= now]
    done = sum(_count(hour, now) for hour in over if hour not in counted)
    if done:
        log.info("hours counted", hours=done)
    return done


def totals(session: Session, start: datetime, end: datetime) -> dict[tuple[str, str], int]:
    """How many events were received from `start`, a full hour, to `end`: by provider and type."""
    found: Counter[tuple[str, str]] = Counter()
    counted = _counted(session, start, end)
    stored = (
        select(EventCount.provider, EventCount.event_type, func.sum(EventCount.received))
        .where(EventCount.hour >= start, EventCount.hour < end)
        .group_by(EventCount.provider, EventCount.event_type)
    )
    for provider, event_type, received in session.execute(stored):
        found[provider, event_type] += received
    for hour in hours_between(start, end):
        if hour not in counted:
            for row in session.execute(_live(hour, min(hour + HOUR, end))):
                found[row.provider, row.event_type] += row.received
    return dict(found)


def arrivals(session: Session, start: datetime, live_from: datetime, end: datetime) -> Hourly:
    """How many events came by themselves, not by a backfill, in each hour from `start` to `end`.

    An hour that is counted has a number for every source, 0 included. One that is not has none,
    unless it is at or after `live_from`: then its events are counted now.
    """
    counted = _counted(session, start, end)
    known = counted | set(hours_between(max(start, live_from), end))
    came: dict[Source, Counter[datetime]] = {}
    stored = (
        select(
            EventCount.hour,
            EventCount.provider,
            EventCount.account,
            func.sum(EventCount.received - EventCount.backfilled),
        )
        .where(EventCount.hour >= start, EventCount.hour < end)
        .group_by(EventCount.hour, EventCount.provider, EventCount.account)
    )
    for hour, provider, account, number in session.execute(stored):
        came.setdefault(Source(provider, account), Counter())[hour] += int(number)
    for hour in sorted(known - counted):
        for row in session.execute(_live(hour, min(hour + HOUR, end))):
            source = Source(row.provider, row.account)
            came.setdefault(source, Counter())[hour] += row.received - row.backfilled
    return {source: _since_first(numbers, known) for source, numbers in came.items()}


def by_status(session: Session, start: datetime, end: datetime) -> dict[str, int]:
    """How many of the events received from `start` to `end` have which status now."""
    query = (
        select(Event.status, func.count().label("number"))
        .where(Event.received_at >= start, Event.received_at < end)
        .group_by(Event.status)
    )
    return {row.status: row.number for row in session.execute(query)}


def _since_first(numbers: Counter[datetime], known: Collection[datetime]) -> dict[datetime, int]:
    """Before its first event a source was not there, which is not the same as silent."""
    first = min(numbers)
    return {hour: numbers[hour] for hour in sorted(known) if hour >= first}


def _counted(session: Session, start: datetime, end: datetime) -> set[datetime]:
    query = select(CountedHour.hour).where(CountedHour.hour >= start, CountedHour.hour < end)
    return set(session.scalars(query))


def _count(hour: datetime, now: datetime) -> bool:
    """Count one hour, unless somebody else has."""
    with transaction() as session:
        ours = session.scalar(
            insert_into(session, CountedHour)
            .values(hour=hour, counted_at=now)
            .on_conflict_do_nothing()
            .returning(CountedHour.hour)
        )
        if ours is None:
            return False
        live = _live(hour, hour + HOUR).add_columns(literal(hour, EventCount.hour.type))
        columns = ["provider", "account", "event_type", "received", "backfilled", "hour"]
        session.execute(insert(EventCount).from_select(columns, live))
        return True


def _live(start: datetime, end: datetime) -> Select[str, str, str, int, Any]:
    return (
        select(
            Event.provider,
            Event.account,
            Event.event_type,
            func.count().label("received"),
            func.sum(case((Event.source == "backfill", 1), else_=0)).label("backfilled"),
        )
        .where(Event.received_at >= start, Event.received_at < end)
        .group_by(Event.provider, Event.account, Event.event_type)
    )
