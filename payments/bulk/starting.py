"""Starting items: each is one of the operator's actions, with the item in its transaction."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator, Sequence

import structlog
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from payments.bulk.creating import last_attempt
from payments.bulk.scope import ACTIONS
from payments.bulk.settling import count
from payments.database import snapshot
from payments.models import (
    DONE,
    RUNNING,
    SKIPPED,
    STARTED,
    WAITING,
    BulkItem,
    BulkOperation,
    Event,
    utc_now,
)
from payments.operations import Actor, operate
from payments.queueing import JobQueue

# Of one job: others wait for its worker.
SLICE_SECONDS = 10

log = structlog.get_logger(__name__)


class OperationOver(Exception):
    """It does not run any more, or another job has this item."""


class Items:
    """The part of a bulk operation's items in the transactions of their events."""

    def __init__(self, operation: BulkOperation, items: Sequence[BulkItem]) -> None:
        self.operation_id = operation.id
        self._action = operation.action
        self._items = {item.event_id: item for item in items}

    def refuse(self, session: Session, event: Event | None) -> str | None:
        """Why it is skipped: it has changed since it was frozen."""
        if event is None:
            return None
        item = self._items[event.id]
        number = session.scalar(select(last_attempt()).where(Event.id == event.id))
        if (event.status, number) == (item.event_status, item.event_attempts):
            return None
        was, now = item.event_status, event.status
        what = f"was {was}, is {now}" if was != now else f"is {now} after an attempt"
        return f"skipped: changed since: {what}"

    def note(self, session: Session, event_id: int, refusal: str | None) -> None:
        state = SKIPPED if refusal else DONE if self._action == "discard" else STARTED
        taken = session.execute(
            update(BulkItem)
            .where(BulkItem.id == self._items[event_id].id, BulkItem.state == WAITING)
            .values(state=state, outcome=refusal, changed_at=utc_now())
            .returning(BulkItem.id)
            .execution_options(synchronize_session=False)
        )
        if taken.one_or_none() is None:
            raise OperationOver
        count(session, self.operation_id, Counter({_column(state): 1}))
        state_now = select(BulkOperation.state).where(BulkOperation.id == self.operation_id)
        # The count has locked the row: a cancel comes before it, and is seen, or after it.
        if session.scalar(state_now) != RUNNING:
            raise OperationOver


def start(operation: BulkOperation, most: int, queue: JobQueue) -> int:
    """Start at most so many waiting items; returns how many were looked at."""
    items = _waiting(operation.id, most)
    actor = Actor(name=operation.confirmed_by or "unknown", request_id=operation.request_id)
    ids = _in_time([item.event_id for item in items])
    part = Items(operation, items)
    results = operate(ACTIONS[operation.action], ids, actor, queue, operation.reason, part)
    number = 0
    try:
        for number, _ in enumerate(results, 1):  # noqa: B007
            pass
    except OperationOver:
        log.info("bulk operation is over, or another job goes on", operation=operation.id)
    return number


def _column(state: str) -> str:
    return "in_flight" if state == STARTED else state


def _waiting(operation_id: int, most: int) -> Sequence[BulkItem]:
    with snapshot() as session:
        return session.scalars(
            select(BulkItem)
            .where(BulkItem.operation_id == operation_id, BulkItem.state == WAITING)
            .order_by(BulkItem.id)
            .limit(most)
        ).all()


def _in_time(ids: Sequence[int]) -> Iterator[int]:
    ends_at = time.monotonic() + SLICE_SECONDS
    for id in ids:
        if time.monotonic() > ends_at:
            return
        yield id
