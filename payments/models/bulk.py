"""Bulk operations: a frozen set of events, and what becomes of each of them."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import (
    CheckConstraint,
    ForeignKey,
    Index,
    Integer,
    String,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from payments.extensions import Base
from payments.models.columns import BigId, UTCDateTime, one_of

BULK_ACTIONS = ("retry", "replay", "discard")
PREVIEW = "preview"
RUNNING = "running"
STOPPED = "stopped"
CANCELED = "canceled"
FINISHED_OPERATION = "finished"
BULK_STATES = (PREVIEW, RUNNING, STOPPED, CANCELED, FINISHED_OPERATION)
WAITING = "waiting"
STARTED = "started"
DONE = "done"
FAILED = "failed"
SKIPPED = "skipped"
ITEM_STATES = (WAITING, STARTED, DONE, FAILED, SKIPPED)


class BulkOperation(Base):
    """One action on many events, from its preview to its end.

    Attributes:
        scope: which events were meant, in words; times are absolute.
        origin_id: the operation whose failed items this one is about.
        total: items in all; the others count them by state. The rest waits.
        done_before, failed_before: what was done and failed when it was confirmed last: the first
            items after that go alone again, and the share of failures counts from there.
        summary: JSON of what the set is worth, made when it was frozen.
        rehearsal_ms: how many milliseconds dry runs for the preview have taken so far.
        rehearsal_ended_at: when there was no further dry run to make; None while they go on.
        stop_reason: why it stopped by itself.
        progressed_at: when an item last changed.
        next_look_at: when its job has something to do; None where it has nothing. Until then, a job
            that has begun has it for itself.
    """

    __tablename__ = "bulk_operations"
    __table_args__ = (
        CheckConstraint(one_of("action", BULK_ACTIONS), name="action"),
        CheckConstraint(one_of("state", BULK_STATES), name="state"),
        Index("ix_bulk_operations_next_look_at", "next_look_at"),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    action: Mapped[str] = mapped_column(String(16))
    scope: Mapped[str] = mapped_column(Text)
    state: Mapped[str] = mapped_column(String(16))
    origin_id: Mapped[int | None] = mapped_column(
        BigId, ForeignKey("bulk_operations.id", ondelete="SET NULL")
    )
    reason: Mapped[str | None] = mapped_column(Text)
    created_by: Mapped[str] = mapped_column(String(255))
    created_at: Mapped[datetime] = mapped_column(UTCDateTime)
    confirmed_by: Mapped[str | None] = mapped_column(String(255))
    confirmed_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    request_id: Mapped[str | None] = mapped_column(String(128))
    ended_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    stop_reason: Mapped[str | None] = mapped_column(Text)
    total: Mapped[int] = mapped_column(Integer, default=0)
    in_flight: Mapped[int] = mapped_column(Integer, default=0)
    done: Mapped[int] = mapped_column(Integer, default=0)
    failed: Mapped[int] = mapped_column(Integer, default=0)
    skipped: Mapped[int] = mapped_column(Integer, default=0)
    done_before: Mapped[int] = mapped_column(Integer, default=0)
    failed_before: Mapped[int] = mapped_column(Integer, default=0)
    summary: Mapped[str] = mapped_column(Text, default="{}")
    rehearsal_ms: Mapped[int] = mapped_column(Integer, default=0)
    rehearsal_ended_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    progressed_at: Mapped[datetime] = mapped_column(UTCDateTime)
    next_look_at: Mapped[datetime | None] = mapped_column(UTCDateTime)

    @property
    def left(self) -> int:
        """Items that nothing was done to yet."""
        return self.total - self.in_flight - self.done - self.failed - self.skipped


class BulkItem(Base):
    """One event of an operation, with a mark of it as it was frozen.

    Attributes:
        event_id: no foreign key: what was done stays known when the event is gone.
        event_status, event_attempts: the mark: its status, and the number of its latest attempt.
            Whatever happens to an event changes one of them.
        is_sample: whether a dry run of it is made for the preview.
        rehearsal: what that run was like, in general; `rehearsal_detail` is its own error.
        outcome: why it was skipped, or how it failed.
    """

    __tablename__ = "bulk_items"
    __table_args__ = (
        UniqueConstraint("operation_id", "event_id"),
        CheckConstraint(one_of("state", ITEM_STATES), name="state"),
        Index("ix_bulk_items_operation_id_state_id", "operation_id", "state", "id"),
        Index(
            "ix_bulk_items_samples",
            "operation_id",
            "id",
            postgresql_where=text("is_sample"),
            sqlite_where=text("is_sample = 1"),
        ),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    operation_id: Mapped[int] = mapped_column(
        BigId, ForeignKey("bulk_operations.id", ondelete="CASCADE")
    )
    event_id: Mapped[int] = mapped_column(BigId)
    event_status: Mapped[str | None] = mapped_column(String(16))
    event_attempts: Mapped[int] = mapped_column(Integer, default=0)
    state: Mapped[str] = mapped_column(String(16))
    outcome: Mapped[str | None] = mapped_column(String(255))
    changed_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    is_sample: Mapped[bool] = mapped_column(default=False)
    rehearsal: Mapped[str | None] = mapped_column(String(255))
    rehearsal_detail: Mapped[str | None] = mapped_column(Text)
