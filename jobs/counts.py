"""The job that counts the hours that are over, run by rq-scheduler."""

from __future__ import annotations

from jobs.successes import noted
from payments.beats import COUNT
from payments.extensions import settings
from payments.gauges.unusual import note_unusual
from payments.models import utc_now
from payments.queueing import job_queue
from payments.reconciliation.counts import count_hours


@noted(COUNT)
def count_events() -> None:
    """See payments/reconciliation/counts.py, then payments/gauges/unusual.py."""
    now = utc_now()
    count_hours(now)
    note_unusual(job_queue().connection, settings(), now)
