"""Looking at events: filters, pages, one event with its history. Only reads."""

from __future__ import annotations

import re
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any

from sqlalchemy import Select, select
from sqlalchemy.orm import Session, selectinload

from payments.errors import InvalidQuery, NotFound
from payments.models import STATUSES, AuditLog, Event, EventPayload
from payments.models import columns_of as columns_of
from payments.pages import DEFAULT_LIMIT as DEFAULT_LIMIT
from payments.pages import MAX_ID as MAX_ID
from payments.pages import MAX_LIMIT as MAX_LIMIT
from payments.pages import Page, check_identifiers, check_times, page_of
from payments.payment_views import payment_of
from payments.storable import is_storable

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
        check_identifiers(self, ("provider", "account", "type", "event_id", "object_id"))
        if self.error is not None and not 0 < len(self.error) <= LONGEST_ERROR_FILTER:
            raise InvalidQuery(f"error: use 1 to {LONGEST_ERROR_FILTER} characters.")
        if self.error is not None and not is_storable(self.error):
            raise InvalidQuery("error: use valid Unicode without NUL, as every error's text is.")
        check_times(self)

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


def list_events(
    session: Session, which: EventFilter, *, limit: int = DEFAULT_LIMIT, before: int | None = None
) -> Page[Event]:
    """A page of at most `limit` events whose id is below `before`.

    Raises:
        InvalidQuery: `limit` is not from 1 to 500, or `before` is no id.
    """
    return page_of(session, which.apply(select(Event)), Event.id, limit=limit, before=before)


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
    bodies), what operators did to it as `audit`, and the `payment` that it is about, or None."""
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
        "payment": payment_of(session, event),
    }


def _matches(pattern: str) -> Any:
    if "*" not in pattern:
        return Event.event_type == pattern
    escaped = re.sub(r"([\\%_])", r"\\\1", pattern).replace("*", "%")
    return Event.event_type.like(escaped, escape="\\")
