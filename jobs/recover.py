"""The job of recovery, run by rq-scheduler."""

from __future__ import annotations

from payments.queueing import job_queue
from payments.recovery import recover


def recover_events() -> int:
    """Returns how many events were enqueued again."""
    return recover(job_queue())
