"""Hours of UTC: what counts and coverage are kept by."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, time, timedelta

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)


def hour_of(moment: datetime) -> datetime:
    """The beginning of the hour that `moment` lies in."""
    return moment.replace(minute=0, second=0, microsecond=0)


def latest_at(at: time, now: datetime) -> datetime:
    """The latest moment up to `now` at which it was this time of the day (UTC)."""
    today = datetime.combine(now.date(), at, UTC)
    return today if today <= now else today - DAY


def hours_between(start: datetime, end: datetime) -> Iterator[datetime]:
    """The beginnings of the hours from `start` up to, but not including, `end`."""
    hour = hour_of(start)
    while hour < end:
        yield hour
        hour += HOUR
