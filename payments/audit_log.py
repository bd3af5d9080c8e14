"""Looking at the audit log: who did what to which event, finding or operation, and why."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from payments.errors import InvalidQuery
from payments.models import AuditLog
from payments.pages import (
    DEFAULT_LIMIT,
    MAX_ID,
    MAX_LIMIT,
    Page,
    check_identifiers,
    check_times,
    every_row,
    page_of,
)
from payments.storable import is_storable

LONGEST_ACTOR = 255
COLUMNS = tuple(AuditLog.__table__.columns.keys())


@dataclass(frozen=True, kw_only=True)
class AuditFilter:
    """Which lines. `since` and `until` (exclusive) are aware times that bound `at`.

    `actor` is an admin token's name, or `cli:` and a user's. None means: whatever it is.
    """

    actor: str | None = None
    action: str | None = None
    event_id: int | None = None
    finding_id: int | None = None
    operation_id: int | None = None
    since: datetime | None = None
    until: datetime | None = None

    def __post_init__(self) -> None:
        """Raises InvalidQuery for what could never match because it is not understood."""
        check_identifiers(self, ("action",))
        if self.actor is not None and not (
            0 < len(self.actor) <= LONGEST_ACTOR and is_storable(self.actor)
        ):
            raise InvalidQuery(f"actor: use 1 to {LONGEST_ACTOR} characters of valid Unicode.")
        for name in ("event_id", "finding_id", "operation_id"):
            value = getattr(self, name)
            if value is not None and not 0 < value <= MAX_ID:
                raise InvalidQuery(f"{name}: use the number in its field id.")
        check_times(self)

    def query(self) -> Select[AuditLog]:
        query = select(AuditLog)
        for name in ("actor", "action", "event_id", "finding_id", "operation_id"):
            if (value := getattr(self, name)) is not None:
                query = query.where(getattr(AuditLog, name) == value)
        if self.since is not None:
            query = query.where(AuditLog.at >= self.since)
        if self.until is not None:
            query = query.where(AuditLog.at < self.until)
        return query


def list_audit(
    session: Session, which: AuditFilter, limit: int = DEFAULT_LIMIT, before: int | None = None
) -> Page[AuditLog]:
    """A page of lines, the newest first; raises InvalidQuery as `page_of` does."""
    return page_of(session, which.query(), AuditLog.id, limit=limit, before=before)


def all_audit(
    session: Session, which: AuditFilter, before: int | None = None
) -> Iterator[AuditLog]:
    """Every one of them, the newest first, a page at a time."""
    return every_row(lambda below: list_audit(session, which, MAX_LIMIT, below), before)
