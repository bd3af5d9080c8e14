"""Making the payments anew from the events that are kept.

Needed for a database that is older than its payments, and where a new version reads events in
another way. Each event is a transaction of its own, so it may be interrupted anywhere, and run
again; webhooks are taken and processed meanwhile.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import structlog
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from payments.attempts import locked
from payments.database import snapshot, transaction
from payments.errors import LostRace
from payments.events import EventFilter
from payments.handlers.payments import account_of, cause_of
from payments.handlers.registry import HandledEvent
from payments.ledger import restate
from payments.models import IGNORED, PROCESSED, Event, EventPayload
from payments.projection.reading import read_event

BATCH = 1000
# What an older version had no use for ended as ignored.
PROJECTED = (PROCESSED, IGNORED)

REBUILT = "rebuilt"
NOT_ABOUT_A_PAYMENT = "not about a payment"
PAYLOAD_EXPIRED = "payload expired"
NOT_PROCESSED = "not processed"

log = structlog.get_logger(__name__)


@dataclass(frozen=True, kw_only=True)
class Rebuilt:
    """What became of one event: its `outcome`, and how many facts were taken back.

    Outcomes: `rebuilt`, `not about a payment`, `payload expired` (what it once stated stays as it
    is) and `not processed` (meanwhile somebody replays it).
    """

    event_id: int
    outcome: str
    taken_back: int = 0


def count(which: EventFilter) -> int:
    """How many events `rebuild` would read now."""
    with snapshot() as session:
        query = which.apply(select(Event)).where(Event.status.in_(PROJECTED))
        counted = query.with_only_columns(func.count())
        return session.execute(counted).scalar_one()


def rebuild(which: EventFilter) -> Iterator[Rebuilt]:
    """Read each processed event of the filter again, oldest first.

    A fact that its event does not state any more is taken back, although another event may state it
    too. Where that happens, a second round over all events gives it back.
    """
    last = 0
    while batch := _batch(which, last):
        for id in batch:
            yield rebuild_event(id)
        last = batch[-1]


def rebuild_event(id: int) -> Rebuilt:
    while True:
        try:
            with transaction() as session:
                return _rebuild(session, id)
        except LostRace:
            log.info("event is read again", id=id)


def _rebuild(session: Session, id: int) -> Rebuilt:
    event = locked(session, id)
    if event is None or event.status not in PROJECTED:
        return Rebuilt(event_id=id, outcome=NOT_PROCESSED)
    body = session.scalar(select(EventPayload.body).where(EventPayload.event_id == id))
    if body is None:
        return Rebuilt(event_id=id, outcome=PAYLOAD_EXPIRED)
    handled = HandledEvent.of(event, body)
    facts = read_event(handled.provider, handled.event_type, handled.data).facts
    taken_back = restate(session, account_of(handled), facts, cause_of(handled))
    if facts:
        event.status = PROCESSED
    outcome = REBUILT if facts else NOT_ABOUT_A_PAYMENT
    return Rebuilt(event_id=id, outcome=outcome, taken_back=taken_back)


def _batch(which: EventFilter, after: int) -> list[int]:
    query = which.apply(select(Event)).where(Event.status.in_(PROJECTED), Event.id > after)
    ids = query.with_only_columns(Event.id).order_by(Event.id).limit(BATCH)
    with snapshot() as session:
        return list(session.scalars(ids))
