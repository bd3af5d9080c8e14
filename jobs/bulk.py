"""The job of one slice of a bulk operation. Its dotted name and integer argument are a wire format.

It enqueues the next slice behind the events that wait: those go first.
"""

from __future__ import annotations

from payments import bulk
from payments.extensions import settings
from payments.observability.masking import Masker
from payments.queueing import JobQueue


def continue_operation(operation_id: int) -> None:
    """One slice; see payments/bulk/running.py."""
    current = settings()
    bulk.continue_operation(operation_id, JobQueue.patient(current), Masker(current.secrets))
