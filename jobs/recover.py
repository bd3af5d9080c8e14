"""The job of recovery, run by rq-scheduler and by every worker at its start."""

from __future__ import annotations

from payments.extensions import settings
from payments.queueing import JobQueue
from payments.recovery import recover


def recover_events(most_batches: int | None = None) -> None:
    """One sweep; see payments/recovery.py."""
    recover(JobQueue.patient(settings()), settings(), most_batches)
