"""The job of one event. Its dotted name and its integer argument are a wire format."""

from __future__ import annotations

from rq import get_current_job
from rq.timeouts import JobTimeoutException

from payments.attempts import Processor
from payments.errors import AttemptFailed
from payments.extensions import settings
from payments.processing import process
from payments.queueing import job_queue, steer_retry


def process_event(event_id: int) -> None:
    """One attempt at the event with this primary key.

    Raises:
        AttemptFailed: so that RQ retries the job or, after the last attempt, keeps it in the
            FailedJobRegistry. With `DLQ_BACKEND=db` a dead event has its row alone.
    """
    job = get_current_job()
    assert job is not None
    worker = job.worker_name or "unknown"
    outcome = process(event_id, Processor.of(settings(), worker, (JobTimeoutException,)))
    if outcome.early_by_seconds is not None:
        job_queue().postpone(event_id, outcome.early_by_seconds, asking=job.id)
        return
    if outcome.retry_in_seconds is None and settings().dlq_backend == "db":
        return
    if outcome.failed:
        steer_retry(job, outcome.retry_in_seconds)
        raise AttemptFailed(outcome.error)
