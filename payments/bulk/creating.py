"""Making a bulk operation: its events are frozen, each with a mark of what it is now."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import func, insert, literal, select
from sqlalchemy.orm import Session

from payments.actions import preview
from payments.audit import checked_reason
from payments.bulk.deciding import audit, look_now, require_operation
from payments.bulk.scope import ACTIONS, Frozen, Scope
from payments.database import snapshot, transaction
from payments.errors import InvalidQuery
from payments.models import (
    BULK_ACTIONS,
    FAILED,
    PREVIEW,
    WAITING,
    Attempt,
    BulkItem,
    BulkOperation,
    Event,
    utc_now,
)
from payments.operations import Actor
from payments.queueing import JobQueue
from payments.value_held import NOTHING, value_held

MOST_ITEMS = 100_000
# Dry runs are costly: they keep others waiting.
MOST_SAMPLES = 50
MOST_TYPES = 20
BATCH = 500


def create(
    action: str, scope: Scope, actor: Actor, queue: JobQueue, reason: str | None = None
) -> int:
    """Freeze the events of `scope` for `action` (retry, replay, discard); returns the key.

    Nothing is done to them. Dry runs of some begin at once, except for a discard.

    Raises:
        InvalidQuery: the action is unknown, nothing matches, or too much does; or the reason
            cannot be kept.
        NotFound: there is no such group.
    """
    if action not in BULK_ACTIONS:
        raise InvalidQuery(f"action: use one of {', '.join(BULK_ACTIONS)}.")
    now = utc_now()
    with snapshot() as session:
        frozen = scope.freeze(session, ACTIONS[action], now)
    return _create(action, frozen, actor, queue, now, origin_id=None, reason=reason)


def create_from_failed(
    operation_id: int, actor: Actor, queue: JobQueue, reason: str | None = None
) -> int:
    """The same action once more, on the events of the operation that have failed.

    Raises:
        NotFound: there is no such operation.
        InvalidQuery: nothing has failed in it, or the reason cannot be kept.
    """
    with snapshot() as session:
        origin = require_operation(session, operation_id)
        failed = select(BulkItem.event_id).where(
            BulkItem.operation_id == operation_id, BulkItem.state == FAILED
        )
        ids = session.scalars(failed.order_by(BulkItem.id)).all()
    frozen = Frozen(ids=ids, words=f"events that failed in bulk operation {operation_id}")
    return _create(
        origin.action, frozen, actor, queue, utc_now(), origin_id=operation_id, reason=reason
    )


def _create(
    action: str,
    frozen: Frozen,
    actor: Actor,
    queue: JobQueue,
    now: datetime,
    *,
    origin_id: int | None,
    reason: str | None,
) -> int:
    why = checked_reason(reason, needed=False)
    if not frozen.ids:
        raise InvalidQuery("Nothing matches.")
    if len(frozen.ids) > MOST_ITEMS:
        raise InvalidQuery(
            f"That is {len(frozen.ids)} events; at most {MOST_ITEMS} at once. Narrow the filter."
        )
    samples = samples_of(frozen.ids) if action != "discard" else set()
    with transaction() as session:
        operation = BulkOperation(
            action=action,
            scope=frozen.words,
            state=PREVIEW,
            origin_id=origin_id,
            created_by=actor.name,
            created_at=now,
            request_id=actor.request_id,
            progressed_at=now,
            rehearsal_ended_at=None if samples else now,
            next_look_at=now if samples else None,
            total=len(frozen.ids),
        )
        session.add(operation)
        session.flush()
        for batch in _batches(frozen.ids):
            session.execute(insert(BulkItem), _items(session, operation.id, batch, samples))
        operation.summary = json.dumps(_summary(session, operation))
        audit(session, operation, "bulk.create", actor, f"{operation.total} to {action}", why)
    if samples:
        look_now(queue, operation.id)
    return operation.id


def samples_of(ids: Sequence[int]) -> set[int]:
    """At most so many of the ids, evenly spread: what failed first and last is among them."""
    if len(ids) <= MOST_SAMPLES:
        return set(ids)
    step = (len(ids) - 1) / (MOST_SAMPLES - 1)
    return {ids[round(number * step)] for number in range(MOST_SAMPLES)}


def _batches(ids: Sequence[int]) -> Iterator[Sequence[int]]:
    for start in range(0, len(ids), BATCH):
        yield ids[start : start + BATCH]


def _items(
    session: Session, operation_id: int, ids: Sequence[int], samples: set[int]
) -> list[dict[str, Any]]:
    rows = session.execute(
        select(Event.id, Event.status, last_attempt()).where(Event.id.in_(ids))
    ).all()
    marks = {id: (status, number) for id, status, number in rows}
    found = []
    for id in ids:
        status, number = marks.get(id, (None, 0))
        item = {"operation_id": operation_id, "event_id": id, "state": WAITING}
        mark = {"event_status": status, "event_attempts": number}
        found.append({**item, **mark, "is_sample": id in samples})
    return found


def last_attempt() -> Any:
    """The number of the event's latest attempt, 0 where there is none; as a column."""
    number = select(func.max(Attempt.number)).where(Attempt.event_id == Event.id)
    return func.coalesce(number.correlate(Event).scalar_subquery(), 0)


def _summary(session: Session, operation: BulkOperation) -> dict[str, Any]:
    """What the frozen events are worth, which types they have, and how many do not fit."""
    mine = BulkItem.operation_id == operation.id
    events = (
        select(literal(0).label("key"), Event.provider, Event.account, Event.object_id)
        .join(BulkItem, BulkItem.event_id == Event.id)
        .where(mine)
    )
    value = value_held(session, events).get(0, NOTHING)
    types = session.execute(
        select(Event.event_type, func.count())
        .join(BulkItem, BulkItem.event_id == Event.id)
        .where(mine)
        .group_by(Event.event_type)
        .order_by(func.count().desc(), Event.event_type)
        .limit(MOST_TYPES)
    )
    ids = session.scalars(select(BulkItem.event_id).where(mine)).all()
    skipped = Counter(it.outcome for it in preview(session, ACTIONS[operation.action], ids).skipped)
    return {
        **value.describe(),
        "types": [{"event_type": event_type, "items": count} for event_type, count in types],
        "skipped": [
            {"outcome": outcome, "items": count} for outcome, count in skipped.most_common()
        ],
    }
