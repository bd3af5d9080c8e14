"""Hours of UTC: what counts and coverage are kept by."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

HOUR = timedelta(hours=1)


def hour_of(moment: datetime) -> datetime:
    """The beginning of the hour that `moment` lies in."""
    return moment.replace(minute=0, second=0, microsecond=0)


def hours_between(start: datetime, end: datetime) -> Iterator[datetime]:
    """The beginnings of the hours from `start` up to, but not including, `end`."""
    hour = hour_of(start)
    while hour < end:
        yield hour
        hour += HOUR
