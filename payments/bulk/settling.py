"""What has become of the items in flight: by their events, which others process."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from payments.database import snapshot, transaction
from payments.models import (
    DEAD,
    DISCARDED,
    DONE,
    FAILED,
    IGNORED,
    PROCESSED,
    RETRYING,
    SKIPPED,
    STARTED,
    BulkItem,
    BulkOperation,
    Event,
    utc_now,
)

LONGEST_OUTCOME = 255


@dataclass(frozen=True)
class _End:
    item_id: int
    state: str
    outcome: str | None


def settle(operation_id: int) -> int:
    """Note which items have ended; returns how many of the others are failing for now."""
    with snapshot() as session:
        rows = session.execute(
            select(BulkItem.id, Event.status, Event.last_error)
            .outerjoin(Event, Event.id == BulkItem.event_id)
            .where(BulkItem.operation_id == operation_id, BulkItem.state == STARTED)
        ).all()
    ends = [end for row in rows if (end := _end(row.id, row.status, row.last_error))]
    if ends:
        with transaction() as session:
            _keep(session, operation_id, ends)
    return sum(row.status == RETRYING for row in rows)


def count(session: Session, operation_id: int, changes: Counter[str]) -> bool:
    """Add to the operation's counts; whether it is there."""
    columns = {name: getattr(BulkOperation, name) + number for name, number in changes.items()}
    changed = session.execute(
        update(BulkOperation)
        .where(BulkOperation.id == operation_id)
        .values(**columns, progressed_at=utc_now())
        .returning(BulkOperation.id)
        .execution_options(synchronize_session=False)
    )
    return changed.one_or_none() is not None


def _end(item_id: int, status: str | None, last_error: str | None) -> _End | None:
    if status in (PROCESSED, IGNORED):
        return _End(item_id, DONE, status)
    if status == DEAD:
        return _End(item_id, FAILED, (last_error or DEAD)[:LONGEST_OUTCOME])
    if status == DISCARDED:
        return _End(item_id, SKIPPED, "skipped: it was discarded meanwhile")
    if status is None:
        return _End(item_id, SKIPPED, "there is no such event")
    return None


def _keep(session: Session, operation_id: int, ends: list[_End]) -> None:
    changes: Counter[str] = Counter()
    for end in ends:
        changed = session.execute(
            update(BulkItem)
            # Only once: another job may look at the same time.
            .where(BulkItem.id == end.item_id, BulkItem.state == STARTED)
            .values(state=end.state, outcome=end.outcome, changed_at=utc_now())
            .returning(BulkItem.id)
            .execution_options(synchronize_session=False)
        )
        if changed.one_or_none() is not None:
            changes["in_flight"] -= 1
            changes[end.state] += 1
    if changes:
        count(session, operation_id, changes)
