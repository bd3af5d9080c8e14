"""The job of recovery, run by rq-scheduler and by every worker at its start."""

from __future__ import annotations

from jobs.successes import noted
from payments.beats import RECOVER
from payments.bulk import enqueue_unattended
from payments.extensions import settings
from payments.failure_groups import adopt_dead_events
from payments.observability.masking import Masker
from payments.queueing import JobQueue
from payments.recovery import recover


@noted(RECOVER)
def recover_events(most_batches: int | None = None) -> None:
    """One sweep: events, then bulk operations that have no job, then dead events without a group.

    See payments/recovery.py, payments/bulk/running.py and payments/failure_groups.py.
    """
    queue = JobQueue.patient(settings())
    recover(queue, settings(), most_batches)
    enqueue_unattended(queue)
    adopt_dead_events(Masker(settings().secrets), most_batches)
