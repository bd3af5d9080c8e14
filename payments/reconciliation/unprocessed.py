"""Which events are here and not processed: as it is now, not as a run saw it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from payments.database import hours_since_epoch
from payments.models import DEAD, UNFINISHED, Event
from payments.reconciliation.counts import Source
from payments.reconciliation.hours import HOUR

# An event is received after it was made, as far as two clocks agree.
CLOCKS_DIFFER = timedelta(minutes=15)
Hourly = Mapping[Source, Mapping[datetime, int]]


def unprocessed(session: Session, start: datetime, end: datetime) -> Hourly:
    """How many of the events that the provider made in each hour are unfinished or dead.

    Found through the index on arrival and status.
    """
    hour = hours_since_epoch(session, Event.provider_created_at).label("hour")
    query = (
        select(Event.provider, Event.account, hour, func.count().label("number"))
        .where(
            Event.received_at >= start - CLOCKS_DIFFER,
            Event.status.in_((*UNFINISHED, DEAD)),
            Event.provider_created_at >= start,
            Event.provider_created_at < end,
        )
        .group_by(Event.provider, Event.account, hour)
    )
    found: dict[Source, dict[datetime, int]] = {}
    for row in session.execute(query):
        made = datetime.fromtimestamp(0, UTC) + int(row.hour) * HOUR
        found.setdefault(Source(row.provider, row.account), {})[made] = row.number
    return found
