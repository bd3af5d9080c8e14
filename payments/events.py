"""Looking at events: pages, counts, one event with its history. Only reads."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session, selectinload

from payments.errors import NotFound
from payments.event_filter import EventFilter as EventFilter
from payments.event_search import newest
from payments.models import AuditLog, Effect, Event, EventPayload
from payments.models import columns_of as columns_of
from payments.pages import DEFAULT_LIMIT as DEFAULT_LIMIT
from payments.pages import MAX_ID as MAX_ID
from payments.pages import MAX_LIMIT as MAX_LIMIT
from payments.pages import Page, check_place, page
from payments.payment_views import payment_of
from payments.time_limits import at_most

SEARCH_SECONDS = 2.0
# A program that asks how many gets no larger number: counting on would cost more than it says.
MOST_COUNTED = 100_000


def list_events(
    session: Session,
    which: EventFilter,
    *,
    limit: int = DEFAULT_LIMIT,
    before: int | None = None,
    after: int | None = None,
) -> Page[Event]:
    """A page of at most `limit` events whose id is below `before`, and above `after`.

    Raises:
        InvalidQuery: `limit` is not from 1 to 500, or `before` is no id.
        TookTooLong: no index helps with this filter, and there is much to look through.
    """
    check_place(limit, before)
    with at_most(session, SEARCH_SECONDS):
        query = newest(session, which, limit=limit + 1, before=before, after=after)
        return page(session.scalars(query).all(), Event.id, limit)


def count_events(
    session: Session, which: EventFilter, *, most: int, after: int | None = None
) -> int:
    """How many match, of those whose id is above `after`; no more than `most` are counted.

    Raises:
        TookTooLong: as above.
    """
    with at_most(session, SEARCH_SECONDS):
        found = newest(session, which, limit=most, before=None, after=after)
        return session.scalar(select(func.count()).select_from(found.subquery())) or 0


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


def audit_of(session: Session, event: Event) -> Sequence[AuditLog]:
    """What operators did to the event, the first first."""
    query = select(AuditLog).where(AuditLog.event_id == event.id)
    return session.scalars(query.order_by(AuditLog.id)).all()


def describe(event: Event) -> dict[str, Any]:
    """The event's columns."""
    return columns_of(event)


def describe_whole(session: Session, event: Event) -> dict[str, Any]:
    """The event's columns, its attempts as `history`, the conflicting deliveries (without their
    bodies), the `effects` that its handlers had outside of the database, what operators did to it
    as `audit`, and the `payment` that it is about, or None."""
    effects = session.scalars(select(Effect).where(Effect.event_id == event.id).order_by(Effect.id))
    conflicts = [
        {name: value for name, value in columns_of(conflict).items() if name != "body"}
        for conflict in event.conflicting
    ]
    return {
        **columns_of(event),
        "history": [columns_of(attempt) for attempt in event.history],
        "conflicting": conflicts,
        "effects": [{"key": effect.key, "done_at": effect.done_at} for effect in effects],
        "audit": [columns_of(entry) for entry in audit_of(session, event)],
        "payment": payment_of(session, event),
    }
