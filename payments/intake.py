"""Taking a delivery in: verify, keep, enqueue, answer.

What the receipt promises: the raw body is committed. A duplicate of unfinished work starts it
again.
"""

from __future__ import annotations

import structlog

from payments.errors import QueueUnavailable
from payments.providers.base import Delivery, Provider
from payments.queueing import JobQueue
from payments.recording import Context, Receipt, Recorded, record

log = structlog.get_logger(__name__)


def receive(delivery: Delivery, provider: Provider, queue: JobQueue, context: Context) -> Receipt:
    """Verify, keep, enqueue.

    Raises:
        SignatureError, MalformedEvent: nothing was kept.
        Unavailable: nothing was kept, because the database or the provider was away; the
            provider will deliver again.
    """
    event = provider.verify(delivery)
    recorded = record(event, provider, delivery.received_at, context)
    if recorded.unfinished:
        _enqueue(queue, recorded)
    return recorded.receipt


def _enqueue(queue: JobQueue, recorded: Recorded) -> None:
    """Ask for it to be processed soon. If that fails, recovery will: the event is kept."""
    try:
        if recorded.due_in_seconds > 0:
            queue.postpone(recorded.receipt.id, recorded.due_in_seconds, recorded.attempts)
        else:
            queue.enqueue_event(recorded.receipt.id, recorded.attempts)
    except QueueUnavailable as error:
        log.warning("not enqueued, left to recovery", id=recorded.receipt.id, reason=str(error))
