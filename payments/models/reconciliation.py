"""Reconciliation: runs, what each hour of an account looked like, and what did not agree."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, Integer, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from payments.extensions import Base
from payments.models.columns import BigId, UTCDateTime, one_of

RUN_KINDS = ("events", "money")
RUN_STATUSES = ("running", "complete", "incomplete")
HOUR_STATES = ("complete", "gaps", "incomplete", "open")
# Where a finding comes from: the projection of events onto a payment, the events themselves (intake
# and their runs), or a run of money.
PROJECTION, EVENTS, MONEY = FINDING_SOURCES = ("projection", "events", "money")
OPEN, RESOLVED, SIGNED_OFF = FINDING_STATUSES = ("open", "resolved", "signed_off")


class ReconciliationRun(Base):
    """One comparison of one account's window with what the provider says.

    `complete` means that the whole window was seen; anything else has a `reason`.
    """

    __tablename__ = "reconciliation_runs"
    __table_args__ = (
        CheckConstraint(one_of("kind", RUN_KINDS), name="kind"),
        CheckConstraint(one_of("status", RUN_STATUSES), name="status"),
        Index("ix_reconciliation_runs_of", "provider", "account", "kind", "id"),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    kind: Mapped[str] = mapped_column(String(16))
    provider: Mapped[str] = mapped_column(String(32))
    account: Mapped[str] = mapped_column(String(255))
    window_start: Mapped[datetime] = mapped_column(UTCDateTime)
    window_end: Mapped[datetime] = mapped_column(UTCDateTime)
    status: Mapped[str] = mapped_column(String(16))
    reason: Mapped[str | None] = mapped_column(Text)
    dry_run: Mapped[bool]
    actor: Mapped[str] = mapped_column(String(255))
    started_at: Mapped[datetime] = mapped_column(UTCDateTime)
    finished_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    # Everything in the window before this was seen: where a run that was cut short goes on.
    reached_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    # Of events: at the provider, kept here, and processed; missing here at first, then fetched.
    # Of money: payments at the provider, here, and in agreement; missing here, then findings made.
    theirs: Mapped[int] = mapped_column(Integer, default=0)
    ours: Mapped[int] = mapped_column(Integer, default=0)
    processed: Mapped[int] = mapped_column(Integer, default=0)
    missing: Mapped[int] = mapped_column(Integer, default=0)
    fetched: Mapped[int] = mapped_column(Integer, default=0)
    findings: Mapped[int] = mapped_column(Integer, default=0)


class ReconciliationHour(Base):
    """What is known of one account's events of one hour (UTC), by the latest run that saw it.

    Attributes:
        state: `complete` (seen whole, and nothing is missing), `gaps`, `incomplete` (the run was
            cut short within it), `open` (it is not over, or the provider may still lag).
    """

    __tablename__ = "reconciliation_hours"
    __table_args__ = (
        UniqueConstraint("provider", "account", "hour"),
        CheckConstraint(one_of("state", HOUR_STATES), name="state"),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    provider: Mapped[str] = mapped_column(String(32))
    account: Mapped[str] = mapped_column(String(255))
    hour: Mapped[datetime] = mapped_column(UTCDateTime)
    state: Mapped[str] = mapped_column(String(16))
    theirs: Mapped[int] = mapped_column(Integer, default=0)
    ours: Mapped[int] = mapped_column(Integer, default=0)
    processed: Mapped[int] = mapped_column(Integer, default=0)
    missing: Mapped[int] = mapped_column(Integer, default=0)
    checked_at: Mapped[datetime] = mapped_column(UTCDateTime)
    run_id: Mapped[int | None] = mapped_column(
        BigId, ForeignKey("reconciliation_runs.id", ondelete="SET NULL")
    )


class ReconciliationFinding(Base):
    """Something that does not agree. Open until a later look resolves it, or it is signed off.

    Attributes:
        kind: what kind of disagreement, as in `amount_captured` or `missing_event`.
        subject: what it is about: a payment's or an event's id at the provider.
        detail: tells two findings of one kind about one subject apart; "" where there is one.
        expected: what it should be (by the provider, or by the other fact).
        found: what it is here.
    """

    __tablename__ = "reconciliation_findings"
    __table_args__ = (
        UniqueConstraint(
            "provider", "account", "source", "kind", "subject", "detail", name="uq_findings"
        ),
        CheckConstraint(one_of("source", FINDING_SOURCES), name="source"),
        CheckConstraint(one_of("status", FINDING_STATUSES), name="status"),
        Index("ix_reconciliation_findings_status_id", "status", "id"),
        Index("ix_reconciliation_findings_status_kind", "status", "kind"),
        Index("ix_reconciliation_findings_subject", "subject"),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    provider: Mapped[str] = mapped_column(String(32))
    account: Mapped[str] = mapped_column(String(255))
    source: Mapped[str] = mapped_column(String(16))
    kind: Mapped[str] = mapped_column(String(64))
    subject: Mapped[str] = mapped_column(String(255))
    detail: Mapped[str] = mapped_column(String(255), default="")
    expected: Mapped[str | None] = mapped_column(Text)
    found: Mapped[str | None] = mapped_column(Text)
    status: Mapped[str] = mapped_column(String(16))
    first_seen_at: Mapped[datetime] = mapped_column(UTCDateTime)
    last_seen_at: Mapped[datetime] = mapped_column(UTCDateTime)
    resolved_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    signed_off_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    signed_off_by: Mapped[str | None] = mapped_column(String(255))
    signed_off_reason: Mapped[str | None] = mapped_column(Text)
    run_id: Mapped[int | None] = mapped_column(
        BigId, ForeignKey("reconciliation_runs.id", ondelete="SET NULL")
    )


class DeliveryCount(Base):
    """How many deliveries of one hour (UTC) were accepted, and refused for their signature.

    Written in bulk every few seconds by each process: good enough to see a share rise, and a
    forger cannot make the database busy.
    """

    __tablename__ = "delivery_counts"
    __table_args__ = (UniqueConstraint("provider", "account", "hour"),)

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    provider: Mapped[str] = mapped_column(String(32))
    account: Mapped[str] = mapped_column(String(255))
    hour: Mapped[datetime] = mapped_column(UTCDateTime)
    accepted: Mapped[int] = mapped_column(Integer, default=0)
    refused: Mapped[int] = mapped_column(Integer, default=0)


class SecretUse(Base):
    """When a delivery was last proven by a secret or certificate, by its label.

    Written in bulk like the counts of deliveries, so the time may be some seconds old.
    """

    __tablename__ = "secret_uses"

    provider: Mapped[str] = mapped_column(String(32), primary_key=True)
    account: Mapped[str] = mapped_column(String(255), primary_key=True)
    label: Mapped[str] = mapped_column(String(255), primary_key=True)
    last_used_at: Mapped[datetime] = mapped_column(UTCDateTime)


class EventCount(Base):
    """How many events of one type were received in one hour (UTC) that is counted.

    `backfilled` of them were fetched by reconciliation; the others came by themselves.
    """

    __tablename__ = "event_counts"
    __table_args__ = (UniqueConstraint("hour", "provider", "account", "event_type"),)

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    hour: Mapped[datetime] = mapped_column(UTCDateTime)
    provider: Mapped[str] = mapped_column(String(32))
    account: Mapped[str] = mapped_column(String(255))
    event_type: Mapped[str] = mapped_column(String(255))
    received: Mapped[int] = mapped_column(Integer, default=0)
    backfilled: Mapped[int] = mapped_column(Integer, default=0)


class CountedHour(Base):
    """An hour whose events are all in `event_counts`, also where there were none.

    Its row is committed together with the counts: whoever inserts it has counted the hour.
    """

    __tablename__ = "counted_hours"

    hour: Mapped[datetime] = mapped_column(UTCDateTime, primary_key=True)
    counted_at: Mapped[datetime] = mapped_column(UTCDateTime)
