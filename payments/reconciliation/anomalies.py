"""All that is not as it should be in a period, as far as the rows and the counts tell."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy.orm import Session

from payments.reconciliation.anomaly import Anomaly
from payments.reconciliation.counts import arrivals
from payments.reconciliation.hours import HOUR, hour_of
from payments.reconciliation.irregular import conflicts, gaps, stuck_events
from payments.reconciliation.unusual import HISTORY, bad_signatures, silences, spikes

# Hours that are not counted yet are judged all the same, if they are no more than this ago.
LIVE = 2 * HOUR
# Beyond the time at which something should have happened to an event, and a job's time limit.
STUCK_AFTER = timedelta(minutes=15)
MOST_SHOWN = 100


def find_anomalies(
    session: Session, start: datetime, now: datetime, job_timeout_seconds: int
) -> list[Anomaly]:
    """The anomalies of the period from `start`, a full hour, to `now`: the latest first."""
    came = arrivals(session, start - HISTORY, hour_of(now) - LIVE, now)
    found = [
        *gaps(session, start),
        *conflicts(session, start),
        *stuck_events(session, now, STUCK_AFTER + timedelta(seconds=job_timeout_seconds)),
        *silences(came, now),
        *spikes(came, start),
        *bad_signatures(session, now),
    ]
    return sorted(found, key=lambda it: it.since, reverse=True)[:MOST_SHOWN]
