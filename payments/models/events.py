"""Events: their payloads, conflicts, attempts and effects, and what operators did to them."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import (
    CheckConstraint,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    String,
    Text,
    UniqueConstraint,
)
from sqlalchemy.orm import Mapped, mapped_column, relationship

from payments.audit import Actor
from payments.extensions import Base
from payments.models.columns import BigId, UTCDateTime, one_of, utc_now

RECEIVED = "received"
PROCESSING = "processing"
RETRYING = "retrying"
PROCESSED = "processed"
IGNORED = "ignored"
DEAD = "dead"
DISCARDED = "discarded"

UNFINISHED = (RECEIVED, PROCESSING, RETRYING)
FINISHED = (PROCESSED, IGNORED, DEAD, DISCARDED)
STATUSES = UNFINISHED + FINISHED
SOURCES = ("webhook", "backfill", "simulated")
# How an attempt ended; None while it runs, or where it died with its process.
OUTCOMES = ("processed", "ignored", "failed", "timeout", "died", "superseded")


class Event(Base):
    """One event of a provider, once, whatever happens to it. Lean: the payload is elsewhere."""

    __tablename__ = "events"
    __table_args__ = (
        UniqueConstraint("provider", "account", "event_id"),
        # One HTTP transmission carries one event: the same one with another is a forgery.
        UniqueConstraint("provider", "account", "transmission_id"),
        CheckConstraint(one_of("status", STATUSES), name="status"),
        CheckConstraint(one_of("source", SOURCES), name="source"),
        # Lists are newest first, filtered by one of these; id is the keyset.
        Index("ix_events_provider_id", "provider", "id"),
        Index("ix_events_status_id", "status", "id"),
        Index("ix_events_event_type_id", "event_type", "id"),
        Index("ix_events_object_id_id", "object_id", "id"),
        Index("ix_events_event_id", "event_id"),
        # Counts of a period, by status too, are answered from the index alone.
        Index("ix_events_received_at_status", "received_at", "status"),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    provider: Mapped[str] = mapped_column(String(32))
    account: Mapped[str] = mapped_column(String(255))
    event_id: Mapped[str] = mapped_column(String(255))
    event_type: Mapped[str] = mapped_column(String(255))
    livemode: Mapped[bool | None]
    api_version: Mapped[str | None] = mapped_column(String(255))
    object_id: Mapped[str | None] = mapped_column(String(255))
    provider_created_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    received_at: Mapped[datetime] = mapped_column(UTCDateTime)
    source: Mapped[str] = mapped_column(String(16))
    status: Mapped[str] = mapped_column(String(16))
    # Attempts since the event was received or last retried by an operator.
    attempts: Mapped[int] = mapped_column(Integer, default=0)
    # When recovery may enqueue it again: the next attempt's time, or the end of a running
    # attempt's lease. NULL once it is finished.
    next_attempt_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    last_error: Mapped[str | None] = mapped_column(Text)
    processed_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    conflicts: Mapped[int] = mapped_column(Integer, default=0)
    request_id: Mapped[str | None] = mapped_column(String(128))
    traceparent: Mapped[str | None] = mapped_column(String(55))
    secret_label: Mapped[str | None] = mapped_column(String(255))
    transmission_id: Mapped[str | None] = mapped_column(String(255))
    # The cause of its latest failure, until it is processed, ignored or discarded.
    failure_group_id: Mapped[int | None] = mapped_column(BigId, ForeignKey("failure_groups.id"))

    history: Mapped[list[Attempt]] = relationship(
        order_by="Attempt.number", lazy="raise", viewonly=True
    )
    conflicting: Mapped[list[EventConflict]] = relationship(
        order_by="EventConflict.id", lazy="raise", viewonly=True
    )


# The sweep of recovery reads only what is unfinished, however many events are finished.
Index(
    "ix_events_unfinished",
    Event.next_attempt_at,
    postgresql_where=Event.status.in_(UNFINISHED),
    sqlite_where=Event.status.in_(UNFINISHED),
)


# What the groups of failures hold, however many events there are and were.
Index(
    "ix_events_held",
    Event.failure_group_id,
    Event.status,
    Event.id,
    postgresql_where=Event.failure_group_id.is_not(None),
    sqlite_where=Event.failure_group_id.is_not(None),
)


# Searching a text in errors, and conflicts, reads only events that have one.
Index(
    "ix_events_with_error",
    Event.id,
    postgresql_where=Event.last_error.is_not(None),
    sqlite_where=Event.last_error.is_not(None),
)
Index(
    "ix_events_with_conflict",
    Event.id,
    postgresql_where=Event.conflicts > 0,
    sqlite_where=Event.conflicts > 0,
)


class EventPayload(Base):
    """The raw body, byte for byte. Expires on its own; the event's row stays."""

    __tablename__ = "event_payloads"

    event_id: Mapped[int] = mapped_column(
        BigId, ForeignKey("events.id", ondelete="CASCADE"), primary_key=True, autoincrement=False
    )
    body: Mapped[bytes] = mapped_column(LargeBinary)
    sha256: Mapped[str] = mapped_column(String(64))


class EventConflict(Base):
    """A genuine delivery whose event id is taken by an event of another type or object."""

    __tablename__ = "event_conflicts"
    __table_args__ = (
        UniqueConstraint("event_id", "sha256"),
        Index("ix_event_conflicts_received_at", "received_at"),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    event_id: Mapped[int] = mapped_column(BigId, ForeignKey("events.id", ondelete="CASCADE"))
    event_type: Mapped[str] = mapped_column(String(255))
    object_id: Mapped[str | None] = mapped_column(String(255))
    received_at: Mapped[datetime] = mapped_column(UTCDateTime)
    request_id: Mapped[str | None] = mapped_column(String(128))
    secret_label: Mapped[str | None] = mapped_column(String(255))
    body: Mapped[bytes] = mapped_column(LargeBinary)
    sha256: Mapped[str] = mapped_column(String(64))


class Attempt(Base):
    """One attempt at an event, begun before the handlers run and ended in a commit of its own."""

    __tablename__ = "attempts"
    __table_args__ = (
        UniqueConstraint("event_id", "number"),
        CheckConstraint(one_of("outcome", OUTCOMES), name="outcome"),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    event_id: Mapped[int] = mapped_column(BigId, ForeignKey("events.id", ondelete="CASCADE"))
    number: Mapped[int]
    started_at: Mapped[datetime] = mapped_column(UTCDateTime)
    finished_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    outcome: Mapped[str | None] = mapped_column(String(16))
    error_type: Mapped[str | None] = mapped_column(String(255))
    error_message: Mapped[str | None] = mapped_column(Text)
    worker: Mapped[str | None] = mapped_column(String(255))
    # The cause of its failure; stays when the event's own is gone.
    failure_group_id: Mapped[int | None] = mapped_column(BigId, ForeignKey("failure_groups.id"))


class Effect(Base):
    """An effect outside of the database that was done, by its key: it is not done again."""

    __tablename__ = "effects"
    __table_args__ = (Index("ix_effects_event_id", "event_id"),)

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    key: Mapped[str] = mapped_column(String(255), unique=True)
    event_id: Mapped[int] = mapped_column(BigId, ForeignKey("events.id", ondelete="CASCADE"))
    done_at: Mapped[datetime] = mapped_column(UTCDateTime)
    result: Mapped[str | None] = mapped_column(Text)


class AuditLog(Base):
    """What an operator did to an event or a finding, and why. Rows are added, never changed."""

    __tablename__ = "audit_log"
    __table_args__ = (
        Index("ix_audit_log_event_id_id", "event_id", "id"),
        Index("ix_audit_log_finding_id_id", "finding_id", "id"),
        Index("ix_audit_log_operation_id_id", "operation_id", "id"),
        # Lists are newest first, filtered by one of these; id is the keyset.
        Index("ix_audit_log_actor_id", "actor", "id"),
        Index("ix_audit_log_action_id", "action", "id"),
        Index("ix_audit_log_at", "at"),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    at: Mapped[datetime] = mapped_column(UTCDateTime)
    actor: Mapped[str] = mapped_column(String(255))
    action: Mapped[str] = mapped_column(String(64))
    # No foreign key: what was done stays known when the event is gone.
    event_id: Mapped[int | None] = mapped_column(BigId)
    finding_id: Mapped[int | None] = mapped_column(BigId)
    # The bulk operation that it belongs to.
    operation_id: Mapped[int | None] = mapped_column(BigId)
    reason: Mapped[str | None] = mapped_column(Text)
    outcome: Mapped[str] = mapped_column(String(255))
    request_id: Mapped[str | None] = mapped_column(String(128))

    @classmethod
    def of(cls, actor: Actor, action: str, outcome: str, **more: Any) -> AuditLog:
        """A line of now; `more` are other columns: what it was done to, and the reason."""
        return cls(
            at=utc_now(),
            actor=actor.name,
            action=action,
            outcome=outcome,
            request_id=actor.request_id,
            **more,
        )
