"""When the events that are held failed: by the hour, first and last.

By their attempts, found through the index of an event's attempts: the cost grows with what is held.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session

from payments.database import SECONDS_OF_AN_HOUR, hours_since_epoch
from payments.models import Attempt, Event

TREND_HOURS = 24


def first_and_last(session: Session, groups: Sequence[int]) -> dict[int, tuple[datetime, datetime]]:
    """By group, the first and the last failure for its cause of the events that it holds."""
    ends = func.min(Attempt.finished_at), func.max(Attempt.finished_at)
    query = _failures(groups, *ends).group_by(Attempt.failure_group_id)
    return {group: (first, last) for group, first, last in session.execute(query) if first}


def hourly_failures(session: Session, groups: Sequence[int], now: datetime) -> dict[int, list[int]]:
    """By group, the failures in each of the last 24 hours of UTC; the one that `now` is in last."""
    hour = now.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
    start = hour - timedelta(hours=TREND_HOURS - 1)
    bucket = hours_since_epoch(session, Attempt.finished_at)
    query = (
        _failures(groups, bucket, func.count())
        .where(Attempt.finished_at >= start)
        .group_by(Attempt.failure_group_id, bucket)
    )
    first = int(start.timestamp()) // SECONDS_OF_AN_HOUR
    found: dict[int, list[int]] = {}
    for group, number, count in session.execute(query):
        # What another host's clock has put beyond the current hour counts as now.
        index = min(int(number) - first, TREND_HOURS - 1)
        found.setdefault(group, [0] * TREND_HOURS)[index] += count
    return found


def _failures(groups: Sequence[int], *columns: Any) -> Select[Any]:
    held = select(Event.id).where(
        Event.failure_group_id.in_(groups), Event.failure_group_id.is_not(None)
    )
    return select(Attempt.failure_group_id, *columns).where(
        Attempt.event_id.in_(held), Attempt.failure_group_id.in_(groups)
    )
