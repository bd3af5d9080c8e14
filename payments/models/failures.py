"""Groups of failures: one row for each cause, however many events it holds up."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import CheckConstraint, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from payments.causes import STAGES
from payments.extensions import Base
from payments.models.columns import BigId, UTCDateTime, one_of


class FailureGroup(Base):
    """One cause (payments/causes), found by its fingerprint. Rows stay when they hold nothing.

    Attributes:
        version: of the way in which fingerprints are made; a new one does not move old groups.
        sentence: the cause, for people.
        last_seen_at: of its latest failure, to some seconds.
    """

    __tablename__ = "failure_groups"
    __table_args__ = (CheckConstraint(one_of("stage", STAGES), name="stage"),)

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    fingerprint: Mapped[str] = mapped_column(String(64), unique=True)
    version: Mapped[int]
    stage: Mapped[str] = mapped_column(String(16))
    error_type: Mapped[str] = mapped_column(String(255))
    dependency: Mapped[str | None] = mapped_column(String(255))
    provider: Mapped[str | None] = mapped_column(String(32))
    event_type: Mapped[str | None] = mapped_column(String(255))
    field: Mapped[str | None] = mapped_column(String(255))
    frame: Mapped[str | None] = mapped_column(String(255))
    sentence: Mapped[str] = mapped_column(Text)
    first_seen_at: Mapped[datetime] = mapped_column(UTCDateTime)
    last_seen_at: Mapped[datetime] = mapped_column(UTCDateTime)
