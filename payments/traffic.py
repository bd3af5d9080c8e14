"""The last hour in numbers: arrivals by the minute, how they ended, and how late providers are.

For pages that look every few seconds. All of it comes through the index on the arrival or from few
of the newest rows; where even that would take long, it is left out.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import BigInteger, ColumnElement, cast, func, select
from sqlalchemy.orm import Session

from payments.errors import TookTooLong
from payments.models import DEAD, IGNORED, PROCESSED, UNFINISHED, Event
from payments.time_limits import at_most

MINUTES = 60
# Of each provider, so many of the newest events say how late they come.
NEWEST = 200
MOST_SECONDS = 1.0
SUCCEEDED = (PROCESSED, IGNORED)


@dataclass(frozen=True, kw_only=True)
class Minutes:
    """Events by the minute of their arrival, and by what they are now.

    Attributes:
        start: of the first minute.
        by_status: by status, how many in each minute; the one that runs is last.
    """

    start: datetime
    by_status: dict[str, list[int]] = field(default_factory=dict)

    @property
    def total(self) -> int:
        return sum(map(sum, self.by_status.values()))

    @property
    def success(self) -> float | None:
        """The share, from 0 to 1, of what has ended or is dead; None where nothing has."""
        good = sum(sum(self.by_status.get(status, ())) for status in SUCCEEDED)
        bad = sum(self.by_status.get(DEAD, ()))
        return good / (good + bad) if good + bad else None


@dataclass(frozen=True, kw_only=True)
class Provider:
    """What one provider's events are like now. Times are in seconds, None where unknown.

    Attributes:
        arrivals: in each of the last minutes.
        lag, worst_lag: from the provider's making an event to its arrival: the median of the newest
            ones that came by themselves, and what one in twenty of them exceeds.
        waiting: how many are unfinished; `queue_age` is the oldest one's.
    """

    name: str
    arrivals: Sequence[int]
    lag: float | None
    worst_lag: float | None
    waiting: int
    queue_age: float | None


def minutes_of(session: Session, now: datetime) -> Minutes | None:
    """The last hour; None where it had too much to be counted in a second."""
    found = _by_minute(session, now, Event.status)
    return None if found is None else Minutes(start=_start(now), by_status=found)


def providers_of(session: Session, names: Sequence[str], now: datetime) -> list[Provider]:
    """Each provider that is configured, or has sent something in the last hour."""
    arrivals = _by_minute(session, now, Event.provider) or {}
    waiting = {
        provider: (count, oldest)
        for provider, count, oldest in session.execute(
            select(Event.provider, func.count(), func.min(Event.received_at))
            .where(Event.status.in_(UNFINISHED))
            .group_by(Event.provider)
        )
    }
    return [
        _provider(session, name, arrivals.get(name, [0] * MINUTES), waiting.get(name), now)
        for name in sorted({*names, *arrivals, *waiting})
    ]


def _provider(
    session: Session,
    name: str,
    arrivals: list[int],
    waiting: tuple[int, datetime] | None,
    now: datetime,
) -> Provider:
    lags = _lags(session, name, _start(now))
    return Provider(
        name=name,
        arrivals=arrivals,
        lag=lags[len(lags) // 2] if lags else None,
        worst_lag=lags[len(lags) * 19 // 20] if lags else None,
        waiting=waiting[0] if waiting else 0,
        queue_age=max(0.0, (now - waiting[1]).total_seconds()) if waiting else None,
    )


def _lags(session: Session, provider: str, since: datetime) -> list[float]:
    """In order. A clock that is ahead of ours makes no lag."""
    newest = (
        select(Event.received_at, Event.provider_created_at, Event.source)
        .where(Event.provider == provider)
        .order_by(Event.id.desc())
        .limit(NEWEST)
    )
    return sorted(
        max(0.0, (received_at - made_at).total_seconds())
        for received_at, made_at, source in session.execute(newest)
        if made_at is not None and source != "backfill" and received_at >= since
    )


def _by_minute(session: Session, now: datetime, by: Any) -> dict[str, list[int]] | None:
    start = _start(now)
    minute = _minutes_since_epoch(session)
    query = (
        select(by, minute, func.count())
        .where(Event.received_at >= start, Event.received_at < now)
        .group_by(by, minute)
    )
    first = int(start.timestamp()) // 60
    found: dict[str, Counter[int]] = {}
    try:
        with at_most(session, MOST_SECONDS):
            for key, number, count in session.execute(query):
                found.setdefault(key, Counter())[int(number) - first] += count
    except TookTooLong:
        return None
    return {key: [counts[place] for place in range(MINUTES)] for key, counts in found.items()}


def _start(now: datetime) -> datetime:
    return now.replace(second=0, microsecond=0) - timedelta(minutes=MINUTES - 1)


def _minutes_since_epoch(session: Session) -> ColumnElement[int]:
    seconds: ColumnElement[Any]
    if session.get_bind().dialect.name == "sqlite":
        seconds = func.strftime("%s", Event.received_at)
    else:
        seconds = func.floor(func.extract("epoch", Event.received_at))
    return cast(seconds, BigInteger) // 60
