"""Keeping an event: the one place that writes a delivery to the database.

One row per event is decided by the unique constraint, never by looking first.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, cast

import structlog
from sqlalchemy import (
    Connection,
    Insert,
    ScalarSelect,
    Table,
    bindparam,
    func,
    insert,
    select,
    update,
)
from sqlalchemy.dialects import postgresql

from payments.database import DATABASE_AWAY, insert_into, is_disconnect, server_now
from payments.errors import SignatureError, Unavailable
from payments.extensions import db
from payments.models import (
    FINISHED,
    RECEIVED,
    RETRYING,
    Attempt,
    Event,
    EventConflict,
    EventPayload,
)
from payments.models.reconciliation import EVENTS as EVENTS_SOURCE
from payments.providers.base import Provider, VerifiedEvent
from payments.reconciliation.findings import Discrepancy, Scope, keep

# Between two attempts that duplicates bring forward.
SPACING_SECONDS = 2.0
QUEUED = "queued"
DUPLICATE = "duplicate ignored"
# The source of what reconciliation has fetched.
BACKFILL = "backfill"
# The kind of finding that one event id with two contents makes.
CONFLICTING_EVENT = "conflicting_event"

EVENTS = cast(Table, Event.__table__)
PAYLOADS = cast(Table, EventPayload.__table__)
INTAKE_COLUMNS = tuple(
    column.name
    for column in EVENTS.columns
    if column.name not in ("id", "last_error", "processed_at", "failure_group_id")
)

log = structlog.get_logger(__name__)


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
        event_type: the provider's name for what happened.
        duplicate: whether it was kept before.
        conflict: whether its id was taken by an event of another type or object; the delivery is
            kept beside that one.
        secret_label: names the secret or certificate that proved the delivery.
    """

    id: int
    event_id: str
    event_type: str
    duplicate: bool = False
    conflict: bool = False
    secret_label: str | None = None

    @property
    def message(self) -> str:
        return DUPLICATE if self.duplicate else QUEUED

    @property
    def kind(self) -> str:
        """What the delivery was: `received` for the first time, a `duplicate` or a `conflict`."""
        if self.conflict:
            return "conflict"
        return "duplicate" if self.duplicate else "received"


@dataclass(frozen=True)
class Recorded:
    """What was found or made: the receipt, whether there is work left to do, and in how long."""

    receipt: Receipt
    unfinished: bool
    attempts: int = 0
    due_in_seconds: float = 0.0


def record(
    event: VerifiedEvent, provider: Provider, received_at: datetime, context: Context
) -> Recorded:
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
        raise Unavailable from error


def _record(
    event: VerifiedEvent, provider: Provider, received_at: datetime, context: Context
) -> Recorded:
    sha256 = hashlib.sha256(event.body).hexdigest()
    row = _row(event, received_at, context)
    id = _insert_new(row, event.body, sha256)
    if id is not None:
        return Recorded(_receipt(id, event), unfinished=True)
    with db.engine.begin() as connection:
        return _record_again(connection, event, provider, sha256, received_at, context)


def _insert_new(row: dict[str, Any], body: bytes, sha256: str) -> int | None:
    """Commit event and payload; the new id, or None where a unique constraint says there is one."""
    if db.engine.dialect.name == "postgresql":
        # One statement, committed by itself: one round trip instead of four.
        with db.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            parameters = {**row, "body": body, "sha256": sha256}
            return connection.execute(_INSERT_BOTH, parameters).scalar_one_or_none()
    with db.engine.begin() as connection:
        statement = insert_into(connection, Event).on_conflict_do_nothing().returning(Event.id)
        id = connection.execute(statement, row).scalar_one_or_none()
        if id is not None:
            payload = {"event_id": id, "body": body, "sha256": sha256}
            connection.execute(insert(EventPayload), payload)
        return id


def _insert_both() -> Insert:
    """INSERT INTO events … RETURNING id, and INSERT INTO event_payloads with that id, if any."""
    columns = {name: bindparam(name, type_=EVENTS.c[name].type) for name in INTAKE_COLUMNS}
    event = postgresql.insert(EVENTS).values(columns).on_conflict_do_nothing()
    new = event.returning(EVENTS.c.id).cte("new")
    body, sha256 = (bindparam(name, type_=PAYLOADS.c[name].type) for name in ("body", "sha256"))
    payload = insert(PAYLOADS).from_select(
        ["event_id", "body", "sha256"], select(new.c.id, body, sha256)
    )
    return payload.returning(PAYLOADS.c.event_id)


def _row(event: VerifiedEvent, received_at: datetime, context: Context) -> dict[str, Any]:
    facts = event.facts
    return {
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


def _record_again(
    connection: Connection,
    event: VerifiedEvent,
    provider: Provider,
    sha256: str,
    received_at: datetime,
    context: Context,
) -> Recorded:
    """A row stands in the way: a duplicate, a conflict, or a forgery."""
    known = connection.execute(
        select(
            Event.id,
            Event.event_type,
            Event.object_id,
            Event.status,
            Event.attempts,
            Event.source,
            Event.next_attempt_at,
            Event.transmission_id,
            EventPayload.sha256,
            server_now(connection).label("now"),
            _last_end().label("last_end"),
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
    worded_anew = BACKFILL in (context.source, known.source)
    conflict = _contradicts(connection, event, provider, sha256, known, worded_anew)
    if conflict:
        _record_conflict(connection, known, event, sha256, received_at, context)
    receipt = _receipt(known.id, event, duplicate=True, conflict=conflict)
    wait = _bring_forward(connection, known) if known.status == RETRYING else 0.0
    return Recorded(receipt, known.status not in FINISHED, known.attempts, wait)


def _receipt(id: int, event: VerifiedEvent, **more: bool) -> Receipt:
    return Receipt(
        id=id,
        event_id=event.facts.event_id,
        event_type=event.facts.event_type,
        secret_label=event.proof.secret_label,
        **more,
    )


def _last_end() -> ScalarSelect[datetime | None]:
    """When the event's latest attempt ended."""
    ended = select(func.max(Attempt.finished_at)).where(Attempt.event_id == Event.id)
    return ended.correlate(Event).scalar_subquery()


def _bring_forward(connection: Connection, known: Any) -> float:
    """Have the next attempt made now; returns in how many seconds it is due.

    Not within a moment of the last one: a burst of duplicates would use up the event's attempts.
    It costs it one for each moment, at the most (docs/adr/0005-duplicates-of-waiting-events.md).
    """
    now: datetime = known.now
    soon = now
    if known.last_end is not None:
        soon = max(soon, known.last_end + timedelta(seconds=SPACING_SECONDS))
    if known.next_attempt_at is not None and known.next_attempt_at <= soon:
        due: datetime = known.next_attempt_at
        return max(0.0, (due - now).total_seconds())
    connection.execute(
        update(Event)
        .where(Event.id == known.id, Event.status == RETRYING, Event.next_attempt_at > soon)
        .values(next_attempt_at=soon)
    )
    return (soon - now).total_seconds()


def _is_forged(event: VerifiedEvent, sha256: str, known: Any) -> bool:
    transmission = event.proof.transmission_id
    return (
        transmission is not None
        and transmission == known.transmission_id
        and known.sha256 is not None
        and sha256 != known.sha256
    )


def _contradicts(
    connection: Connection,
    event: VerifiedEvent,
    provider: Provider,
    sha256: str,
    known: Any,
    worded_anew: bool,
) -> bool:
    """Whether the known event is another one than this, under the same id.

    A delivery and the API may word the same event differently: `worded_anew` says that one of the
    two is the API's.
    """
    if sha256 == known.sha256:
        return False
    said = (event.facts.event_type, event.facts.object_id)
    if worded_anew:
        return said != (known.event_type, known.object_id)
    body = connection.scalar(select(EventPayload.body).where(EventPayload.event_id == known.id))
    if body is not None:
        return provider.contradicts(body, event.body)
    # The payload has expired; its row still tells what it was about.
    return said != (known.event_type, known.object_id)


def _record_conflict(
    connection: Connection,
    known: Any,
    event: VerifiedEvent,
    sha256: str,
    received_at: datetime,
    context: Context,
) -> None:
    """Keep the delivery beside the event that has its id, and say so in a finding; once."""
    statement = insert_into(connection, EventConflict).on_conflict_do_nothing()
    row = {
        "event_id": known.id,
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
            update(Event).where(Event.id == known.id).values(conflicts=Event.conflicts + 1)
        )
        scope = Scope(provider=event.provider, account=event.account, source=EVENTS_SOURCE)
        keep(connection, scope, [_as_finding(known, event, sha256)], received_at)
        log.warning("conflicting event kept", id=known.id, provider=event.provider)


def _as_finding(known: Any, event: VerifiedEvent, sha256: str) -> Discrepancy:
    here = _told(known.event_type, known.object_id)
    there = _told(event.facts.event_type, event.facts.object_id)
    return Discrepancy(
        kind=CONFLICTING_EVENT,
        subject=event.facts.event_id,
        detail=f"sha256 {sha256[:16]}",
        expected=here,
        found=there if there != here else f"{there}, with other content",
    )


def _told(event_type: str, object_id: str | None) -> str:
    return f"{event_type} about {object_id}" if object_id else event_type


_INSERT_BOTH = _insert_both()
