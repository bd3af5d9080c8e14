"""What an operator decides about a bulk operation: that it runs, and that it ends."""

from __future__ import annotations

import structlog
from sqlalchemy import select
from sqlalchemy.orm import Session

from payments.audit import Actor, checked_reason
from payments.database import transaction
from payments.errors import Conflict, InvalidQuery, NotFound, QueueUnavailable
from payments.events import MAX_ID
from payments.models import (
    CANCELED,
    PREVIEW,
    RUNNING,
    STOPPED,
    AuditLog,
    BulkOperation,
    utc_now,
)
from payments.queueing import JobQueue

# Above it, the operator also says how many events that are.
MOST_WITHOUT_COUNT = 50
LONGEST_OUTCOME = 255

log = structlog.get_logger(__name__)


def confirm(
    operation_id: int,
    actor: Actor,
    queue: JobQueue,
    *,
    reason: str | None,
    count: int | None = None,
) -> None:
    """Let it run, or let one that stopped go on with what is left; again five go alone first.

    `count` says of how many events the operator knows; above 50 it is needed.

    Raises:
        NotFound: there is no such operation.
        Conflict: it runs already, has ended, or nothing is left.
        InvalidQuery: there is no reason, or the count is missing or wrong.
    """
    why = checked_reason(reason, needed=True)
    now = utc_now()
    with transaction() as session:
        operation = require_operation(session, operation_id, lock=True)
        if operation.state not in (PREVIEW, STOPPED):
            raise Conflict(f"It is {operation.state}; only a preview or a stopped one can run.")
        if not operation.left:
            raise Conflict("Nothing is left of it to do.")
        _check_count(operation.left, count)
        operation.state, operation.reason, operation.stop_reason = RUNNING, why, None
        operation.confirmed_by, operation.request_id = actor.name, actor.request_id
        operation.confirmed_at = operation.progressed_at = operation.next_look_at = now
        operation.ended_at = None
        operation.done_before, operation.failed_before = operation.done, operation.failed
        audit(session, operation, "bulk.confirm", actor, f"{operation.left} to {operation.action}")
    look_now(queue, operation_id)


def cancel(operation_id: int, actor: Actor, *, reason: str | None = None) -> None:
    """End it after what is in flight.

    Raises:
        NotFound: there is no such operation.
        Conflict: it has ended already.
        InvalidQuery: the reason cannot be kept.
    """
    why = checked_reason(reason, needed=False)
    with transaction() as session:
        operation = require_operation(session, operation_id, lock=True)
        if operation.state not in (PREVIEW, RUNNING, STOPPED):
            raise Conflict(f"It is {operation.state} already.")
        operation.state, operation.ended_at = CANCELED, utc_now()
        if not operation.in_flight:
            operation.next_look_at = None
        audit(session, operation, "bulk.cancel", actor, said(operation), why)


def require_operation(session: Session, operation_id: int, *, lock: bool = False) -> BulkOperation:
    """The operation; locked until the transaction's end where that is wanted.

    Raises:
        NotFound: there is none with this primary key.
    """
    query = select(BulkOperation).where(BulkOperation.id == operation_id)
    query = query.with_for_update(key_share=True) if lock else query
    operation = session.scalar(query) if 0 < operation_id <= MAX_ID else None
    if operation is None:
        raise NotFound("There is no bulk operation with this id.")
    return operation


def audit(
    session: Session,
    operation: BulkOperation,
    action: str,
    actor: Actor,
    outcome: str,
    reason: str | None = None,
) -> None:
    """A line about the operation itself; each event has one of its own."""
    session.add(
        AuditLog.of(
            actor,
            action,
            f"{outcome}; {operation.scope}"[:LONGEST_OUTCOME],
            operation_id=operation.id,
            reason=reason or operation.reason,
        )
    )


def said(operation: BulkOperation) -> str:
    """Its counts in words."""
    return (
        f"{operation.done} done, {operation.failed} failed, {operation.skipped} skipped, "
        f"{operation.in_flight} in flight, {operation.left} left"
    )


def look_now(queue: JobQueue, operation_id: int) -> None:
    try:
        queue.enqueue_operation(operation_id)
    except QueueUnavailable as error:
        log.warning("left to recovery", operation=operation_id, error=str(error))


def _check_count(left: int, count: int | None) -> None:
    if count is None and left <= MOST_WITHOUT_COUNT:
        return
    if count != left:
        raise InvalidQuery(f"count: it is about {left} events; say that number.")
