"""Looking at events: filters, pages, one event with its history. Only reads.

Pages are keyset pages over `id`, newest first: a page costs the same wherever it is.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any

from sqlalchemy import Select, select
from sqlalchemy.orm import Session, selectinload

from payments.errors import InvalidQuery, NotFound
from payments.models import STATUSES, AuditLog, Event, EventPayload
from payments.models import columns_of as columns_of

DEFAULT_LIMIT = 50
MAX_LIMIT = 500
MAX_ID = 2**63 - 1
LONGEST_ERROR_FILTER = 500


@dataclass(frozen=True, kw_only=True)
class EventFilter:
    """Which events. `type` is a pattern on `event_type` in which `*` stands for any characters.

    `error` is a part of `last_error`'s text; `since` and `until` (exclusive) are aware times that
    bound `received_at`. None means: whatever it is.
    """

    provider: str | None = None
    account: str | None = None
    status: str | None = None
    type: str | None = None
    event_id: str | None = None
    object_id: str | None = None
    error: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    conflicts: bool | None = None

    def __post_init__(self) -> None:
        """Raises InvalidQuery for what could never match because it is not understood."""
        if self.status is not None and self.status not in STATUSES:
            raise InvalidQuery(f"status: use one of {', '.join(STATUSES)}.")
        for name in ("provider", "account", "type", "event_id", "object_id"):
            value = getattr(self, name)
            if value is not None and not re.fullmatch(r"[\x21-\x7e]{1,255}", value):
                raise InvalidQuery(f"{name}: use 1 to 255 printable ASCII characters.")

        if self.error is not None and not 0 < len(self.error) <= LONGEST_ERROR_FILTER:
            raise InvalidQuery(f"error: use 1 to {LONGEST_ERROR_FILTER} characters.")
        if self.error is not None and not is_storable(self.error):
            raise InvalidQuery("error: use valid Unicode without NUL, as every error's text is.")
        for name in ("since", "until"):
            value = getattr(self, name)
            if value is not None and value.tzinfo is None:
                raise InvalidQuery(f"{name}: say the time zone, as in 2026-01-31T00:00:00Z.")

    @property
    def is_everything(self) -> bool:
        """Whether it leaves nothing out."""
        if self.type is not None and self.type.strip("*"):
            return False
        others = {field.name for field in fields(self)} - {"type"}
        return all(getattr(self, name) is None for name in others)

    def apply(self, query: Select[Event]) -> Select[Event]:
        for name in ("provider", "account", "status", "event_id", "object_id"):
            if (value := getattr(self, name)) is not None:
                query = query.where(getattr(Event, name) == value)
        if self.type is not None:
            query = query.where(_matches(self.type))
        if self.error is not None:
            query = query.where(Event.last_error.contains(self.error, autoescape=True))
        if self.since is not None:
            query = query.where(Event.received_at >= self.since)
        if self.until is not None:
            query = query.where(Event.received_at < self.until)
        if self.conflicts is not None:
            query = query.where(Event.conflicts > 0 if self.conflicts else Event.conflicts == 0)
        return query


def is_storable(text: str) -> bool:
    """Whether both databases can hold it: PostgreSQL knows no NUL, and UTF-8 no lone surrogate."""
    return "\x00" not in text and not any("\ud800" <= c <= "\udfff" for c in text)


@dataclass(frozen=True)
class Page:
    """Events, newest first; `next_cursor` is the `before` of the next page, None on the last."""

    events: Sequence[Event]
    next_cursor: int | None


def list_events(
    session: Session, which: EventFilter, *, limit: int = DEFAULT_LIMIT, before: int | None = None
) -> Page:
    """A page of at most `limit` events whose id is below `before`.

    Raises:
        InvalidQuery: `limit` is not from 1 to 500, or `before` is no id.
    """
    if not 1 <= limit <= MAX_LIMIT:
        raise InvalidQuery(f"limit: use a whole number from 1 to {MAX_LIMIT}.")
    query = which.apply(select(Event)).order_by(Event.id.desc()).limit(limit + 1)
    if before is not None:
        if not 1 <= before <= MAX_ID:
            raise InvalidQuery("cursor: use the one of the Link header.")
        query = query.where(Event.id < before)
    events: Sequence[Event] = session.scalars(query).all()
    return Page(events[:limit], events[limit - 1].id if len(events) > limit else None)


def get_event(session: Session, id: int) -> Event:
    """The event with primary key `id`, with its history and conflicts.

    Raises:
        NotFound: there is none.
    """
    query = (
        select(Event)
        .where(Event.id == id)
        .options(selectinload(Event.history), selectinload(Event.conflicting))
    )
    event = session.scalar(query) if 0 < id <= MAX_ID else None
    if event is None:
        raise NotFound("There is no event with this id.")
    return event


def payload_of(session: Session, id: int) -> bytes | None:
    """The raw body, or None where it has expired."""
    return session.scalar(select(EventPayload.body).where(EventPayload.event_id == id))


def describe(event: Event) -> dict[str, Any]:
    """The event's columns."""
    return columns_of(event)


def describe_whole(session: Session, event: Event) -> dict[str, Any]:
    """The event's columns, its attempts as `history`, the conflicting deliveries (without their
    bodies) and what operators did to it as `audit`."""
    audit = session.scalars(
        select(AuditLog).where(AuditLog.event_id == event.id).order_by(AuditLog.id)
    )
    conflicts = [
        {name: value for name, value in columns_of(conflict).items() if name != "body"}
        for conflict in event.conflicting
    ]
    return {
        **columns_of(event),
        "history": [columns_of(attempt) for attempt in event.history],
        "conflicting": conflicts,
        "audit": [columns_of(entry) for entry in audit],
    }


def _matches(pattern: str) -> Any:
    if "*" not in pattern:
        return Event.event_type == pattern
    escaped = re.sub(r"([\\%_])", r"\\\1", pattern).replace("*", "%")
    return Event.event_type.like(escaped, escape="\\")
