"""What happened to a payment, in the provider's order: also what arrived late, or is blocked."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from datetime import datetime
from itertools import groupby
from typing import Any

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from payments.handlers.registry import HandledEvent
from payments.ledger.statements import NEVER
from payments.models import (
    DEAD,
    IGNORED,
    PROCESSED,
    UNFINISHED,
    Event,
    EventPayload,
    Payment,
    PaymentChange,
    columns_of,
)
from payments.projection.project import objects_of
from payments.projection.reading import read_event

# Blocked events have to be read to know what they are about; so many of the newest are.
MOST_READ = 500
BLOCKED = (*UNFINISHED, DEAD)
SHOWN = (
    *("id", "event_id", "event_type", "object_id", "source", "provider_created_at", "received_at"),
    *("status", "attempts", "next_attempt_at", "last_error", "processed_at"),
)


def timeline_of(
    session: Session, payment: Payment, objects: Collection[str]
) -> list[dict[str, Any]]:
    """The events about any of `objects`, in the provider's order.

    Beside the event's own columns each entry has `late` (it arrived after one that the provider
    made later) and `blocked` (it was not processed, so that the payment lacks what it states).
    """
    found = {event.id: event for event in _known(session, payment, objects)}
    for event in _blocked(session, payment, objects):
        found.setdefault(event.id, event)
    events = sorted(found.values(), key=_provider_order)
    return [
        {
            **{name: value for name, value in columns_of(event).items() if name in SHOWN},
            "late": late,
            "blocked": event.status not in (PROCESSED, IGNORED),
        }
        for event, late in zip(events, _lateness(events), strict=True)
    ]


def _known(session: Session, payment: Payment, objects: Collection[str]) -> Iterable[Event]:
    """Those that stated something, and those whose own object is one of the payment's."""
    stated = select(PaymentChange.event_id).where(PaymentChange.payment_id == payment.id)
    about = Event.object_id.in_(objects) & (Event.provider == payment.provider)
    return session.scalars(
        select(Event).where(or_(Event.id.in_(stated), about & (Event.account == payment.account)))
    )


def _blocked(session: Session, payment: Payment, objects: Collection[str]) -> Iterator[Event]:
    """Those that were not processed, and would say something of the payment if they were.

    A refund's first event names an object that only the event itself links to the payment.
    """
    newest = session.execute(
        select(Event, EventPayload.body)
        .join(EventPayload, EventPayload.event_id == Event.id)
        .where(
            Event.status.in_(BLOCKED),
            Event.provider == payment.provider,
            Event.account == payment.account,
        )
        .order_by(Event.id.desc())
        .limit(MOST_READ)
    )
    for event, body in newest:
        data = HandledEvent.of(event, body).data
        facts = read_event(event.provider, event.event_type, data).facts
        if not objects_of(facts).isdisjoint(objects):
            yield event


def _provider_order(event: Event) -> tuple[datetime, str]:
    return (event.provider_created_at or NEVER, event.event_id)


def _lateness(events: Sequence[Event]) -> list[bool]:
    """Of each, whether one that the provider made later, by its clock, was received before it."""
    late: dict[int, bool] = {}
    earliest_of_later = NEVER
    timed = [event for event in events if event.provider_created_at is not None]
    for _, together in groupby(reversed(timed), key=lambda event: event.provider_created_at):
        at_that_time = list(together)
        late |= {event.id: event.received_at > earliest_of_later for event in at_that_time}
        received = min(event.received_at for event in at_that_time)
        earliest_of_later = min(earliest_of_later, received)
    return [late.get(event.id, False) for event in events]
