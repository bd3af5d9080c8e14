"""Taking a delivery in: verify, keep, enqueue, answer.

What the receipt promises: the raw body is committed. A duplicate of unfinished work starts it
again.
"""

from __future__ import annotations

import structlog

from payments.errors import ProviderUnavailable, QueueUnavailable, SignatureError
from payments.handlers.type_labels import type_label
from payments.models import utc_now
from payments.observability import metrics
from payments.observability.tracing import ENQUEUE, STEP, follow, step
from payments.providers.base import Delivery, Proof, Provider, VerifiedEvent
from payments.queueing import JobQueue
from payments.recording import BACKFILL, Context, Receipt, Recorded, record

# What stands for a secret's label where the provider's API was asked.
ASKED = "api"

log = structlog.get_logger(__name__)


def receive(delivery: Delivery, provider: Provider, queue: JobQueue, context: Context) -> Receipt:
    """Verify, keep, enqueue.

    Raises:
        SignatureError, MalformedEvent: nothing was kept.
        Unavailable: nothing was kept, because the database or the provider was away; the
            provider will deliver again.
    """
    with step("verify"):
        event = _verify(delivery, provider)
    with step("record"):
        recorded = record(event, provider, delivery.received_at, context)
    return _take_in(event, recorded, queue)


def receive_backfilled(body: bytes, provider: Provider, account: str, queue: JobQueue) -> Receipt:
    """Keep and enqueue an event that the provider's API showed us.

    The proof is that answer: we asked, with our key, over TLS. `account` is the one asked about.

    Raises:
        MalformedEvent: nothing was kept.
        Unavailable: nothing was kept, because the database was away.
    """
    facts = provider.read(body)
    event = VerifiedEvent(
        provider=provider.name,
        account=facts.connected_account or account,
        body=body,
        facts=facts,
        proof=Proof(secret_label=ASKED),
    )
    with follow("backfill", STEP, None) as trace:
        context = Context(source=BACKFILL, traceparent=trace.traceparent)
        with step("record"):
            recorded = record(event, provider, utc_now(), context)
        return _take_in(event, recorded, queue)


def _verify(delivery: Delivery, provider: Provider) -> VerifiedEvent:
    """What `Provider.verify` says, counted."""
    result = "valid"
    try:
        return provider.verify(delivery)
    except SignatureError:
        result = "invalid"
        raise
    except ProviderUnavailable:
        result = "unavailable"
        raise
    finally:
        metrics.count_signature(provider.name, result)


def _take_in(event: VerifiedEvent, recorded: Recorded, queue: JobQueue) -> Receipt:
    label = type_label(event.provider, event.facts.event_type)
    metrics.count_event(event.provider, label, recorded.receipt.kind)
    if recorded.unfinished:
        _enqueue(queue, recorded, event.provider)
    return recorded.receipt


def _enqueue(queue: JobQueue, recorded: Recorded, provider: str) -> None:
    """Ask for it to be processed soon. If that fails, recovery will: the event is kept."""
    try:
        with step("enqueue", ENQUEUE):
            if recorded.due_in_seconds > 0:
                queue.postpone(recorded.receipt.id, recorded.due_in_seconds, recorded.attempts)
            else:
                queue.enqueue_event(recorded.receipt.id, recorded.attempts)
    except QueueUnavailable as error:
        metrics.count_enqueue_failure(provider)
        log.warning("not enqueued, left to recovery", id=recorded.receipt.id, reason=str(error))
