"""The job that counts the hours that are over, run by rq-scheduler."""

from __future__ import annotations

from payments.models import utc_now
from payments.reconciliation.counts import count_hours


def count_events() -> None:
    """See payments/reconciliation/counts.py."""
    count_hours(utc_now())
