"""Taking a delivery in: the one place that decides whether an event is kept.

What the receipt promises: the raw body is committed. One row per event is decided by the unique
constraint, never by looking first. A duplicate of unfinished work starts it again.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import structlog
from sqlalchemy import Connection, insert, select, update
from sqlalchemy.dialects import postgresql, sqlite

from payments.database import DATABASE_AWAY, is_disconnect
from payments.errors import QueueUnavailable, SignatureError, Unavailable
from payments.extensions import Base, db
from payments.models import FINISHED, RECEIVED, Event, EventConflict, EventPayload
from payments.providers.base import Delivery, Provider, VerifiedEvent
from payments.queueing import JobQueue

QUEUED = "queued"
DUPLICATE = "duplicate ignored"

log = structlog.get_logger(__name__)


def _insert(connection: Connection, model: type[Base]) -> sqlite.Insert | postgresql.Insert:
    """Both databases spell INSERT … ON CONFLICT the same; SQLAlchemy has a class for each."""
    if connection.dialect.name == "sqlite":
        return sqlite.insert(model)
    return postgresql.insert(model)


@dataclass(frozen=True, kw_only=True)
class Context:
    """What is known of the request that brought a delivery, to be kept beside the event."""

    request_id: str | None = None
    traceparent: str | None = None
    source: str = "webhook"


@dataclass(frozen=True, kw_only=True)
class Receipt:
    """The proof that an event is kept.

    Attributes:
        id: the event's primary key.
        event_id: the provider's id of it.
        duplicate: whether it was kept before.
        conflict: whether its id was taken by an event of another type or object; the delivery is
            kept beside that one.
    """

    id: int
    event_id: str
    duplicate: bool = False
    conflict: bool = False

    @property
    def message(self) -> str:
        return DUPLICATE if self.duplicate else QUEUED


@dataclass(frozen=True)
class _Recorded:
    receipt: Receipt
    unfinished: bool
    attempts: int = 0


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


def record(
    event: VerifiedEvent, provider: Provider, received_at: datetime, context: Context
) -> _Recorded:
    """Commit `event`, or find that it was committed before.

    A connection that broke is replaced once, also when it broke in COMMIT: if that commit had
    arrived after all, the second try finds a duplicate.
    """
    try:
        try:
            return _record(event, provider, received_at, context)
        except DATABASE_AWAY as error:
            if not is_disconnect(error):
                raise
            return _record(event, provider, received_at, context)
    except DATABASE_AWAY as error:
        log.error("database away", error=type(error).__name__)
        raise Unavailable from error


def _record(
    event: VerifiedEvent, provider: Provider, received_at: datetime, context: Context
) -> _Recorded:
    sha256 = hashlib.sha256(event.body).hexdigest()
    with db.engine.begin() as connection:
        id = _insert_event(connection, event, received_at, context)
        if id is None:
            return _record_again(connection, event, provider, sha256, received_at, context)
        connection.execute(
            insert(EventPayload), {"event_id": id, "body": event.body, "sha256": sha256}
        )
    return _Recorded(Receipt(id=id, event_id=event.facts.event_id), unfinished=True)


def _insert_event(
    connection: Connection, event: VerifiedEvent, received_at: datetime, context: Context
) -> int | None:
    """The new row's id, or None where one of the unique constraints says that there is one."""
    facts = event.facts
    statement = _insert(connection, Event).on_conflict_do_nothing()
    row: dict[str, Any] = {
        "provider": event.provider,
        "account": event.account,
        "event_id": facts.event_id,
        "event_type": facts.event_type,
        "livemode": facts.livemode,
        "api_version": facts.api_version,
        "object_id": facts.object_id,
        "provider_created_at": facts.provider_created_at,
        "received_at": received_at,
        "source": context.source,
        "status": RECEIVED,
        "attempts": 0,
        "next_attempt_at": received_at,
        "conflicts": 0,
        "request_id": context.request_id,
        "traceparent": context.traceparent,
        "secret_label": event.proof.secret_label,
        "transmission_id": event.proof.transmission_id,
    }
    return connection.execute(statement.returning(Event.id), row).scalar_one_or_none()


def _record_again(
    connection: Connection,
    event: VerifiedEvent,
    provider: Provider,
    sha256: str,
    received_at: datetime,
    context: Context,
) -> _Recorded:
    """A row stands in the way: a duplicate, a conflict, or a forgery."""
    known = connection.execute(
        select(
            Event.id,
            Event.event_type,
            Event.object_id,
            Event.status,
            Event.attempts,
            Event.transmission_id,
            EventPayload.sha256,
        )
        .outerjoin(EventPayload, EventPayload.event_id == Event.id)
        .where(
            Event.provider == event.provider,
            Event.account == event.account,
            Event.event_id == event.facts.event_id,
        )
    ).one_or_none()
    if known is None or _is_forged(event, sha256, known):
        # The signature covers only a CRC32 of the body (PayPal), which is easy to collide.
        raise SignatureError("a known transmission came with another body")
    conflict = _contradicts(connection, event, provider, sha256, known)
    if conflict:
        _record_conflict(connection, known.id, event, sha256, received_at, context)
    receipt = Receipt(id=known.id, event_id=event.facts.event_id, duplicate=True, conflict=conflict)
    return _Recorded(receipt, known.status not in FINISHED, known.attempts)


def _is_forged(event: VerifiedEvent, sha256: str, known: Any) -> bool:
    transmission = event.proof.transmission_id
    return (
        transmission is not None
        and transmission == known.transmission_id
        and known.sha256 is not None
        and sha256 != known.sha256
    )


def _contradicts(
    connection: Connection, event: VerifiedEvent, provider: Provider, sha256: str, known: Any
) -> bool:
    """Whether the known event is another one than this, under the same id."""
    if sha256 == known.sha256:
        return False
    body = connection.scalar(select(EventPayload.body).where(EventPayload.event_id == known.id))
    if body is not None:
        return provider.contradicts(body, event.body)
    # The payload has expired; its row still tells what it was about.
    said = (event.facts.event_type, event.facts.object_id)
    return said != (known.event_type, known.object_id)


def _record_conflict(
    connection: Connection,
    id: int,
    event: VerifiedEvent,
    sha256: str,
    received_at: datetime,
    context: Context,
) -> None:
    statement = _insert(connection, EventConflict).on_conflict_do_nothing()
    row = {
        "event_id": id,
        "event_type": event.facts.event_type,
        "object_id": event.facts.object_id,
        "received_at": received_at,
        "request_id": context.request_id,
        "secret_label": event.proof.secret_label,
        "body": event.body,
        "sha256": sha256,
    }
    new = connection.execute(statement.returning(EventConflict.id), row).scalar_one_or_none()
    if new is not None:
        connection.execute(
            update(Event).where(Event.id == id).values(conflicts=Event.conflicts + 1)
        )
        log.warning("conflicting event kept", id=id, provider=event.provider)


def _enqueue(queue: JobQueue, recorded: _Recorded) -> None:
    """Ask for it to be processed soon. If that fails, recovery will: the event is kept."""
    try:
        queue.enqueue_event(recorded.receipt.id, recorded.attempts)
    except QueueUnavailable as error:
        log.warning("not enqueued, left to recovery", id=recorded.receipt.id, reason=str(error))
