"""One slice of a bulk operation, which a job does; and finding operations that have no job.

A job takes the operation for itself until `next_look_at`, looks what has become of the items in
flight, starts some more, and enqueues the next job. Where it dies, recovery finds the operation
when that time is over.
"""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta

import structlog
from sqlalchemy import select

from payments.bulk.deciding import audit, require_operation, said
from payments.bulk.pacing import Progress, allowance, delay_seconds, reason_to_stop
from payments.bulk.rehearsing import rehearse
from payments.bulk.settling import settle
from payments.bulk.starting import start
from payments.causes import Mask
from payments.database import snapshot, transaction
from payments.errors import NotFound, QueueUnavailable
from payments.models import (
    FINISHED_OPERATION,
    PREVIEW,
    RUNNING,
    STOPPED,
    BulkOperation,
    utc_now,
)
from payments.operations import Actor
from payments.queueing import JobQueue
from payments.registries import live_operations

# Longer than any slice takes.
LEASE_SECONDS = 60
# An operation that waits for less than this is most likely about to be taken by a worker.
GRACE_SECONDS = 10

log = structlog.get_logger(__name__)


def continue_operation(operation_id: int, queue: JobQueue, mask: Mask) -> None:
    """One slice; nothing where another job is at it, or where it has nothing to do.

    Raises:
        OperationalError: the database is away; recovery will come back to it.
    """
    if not _take(operation_id):
        return
    failing = settle(operation_id)
    operation = _read(operation_id)
    at_once = False
    if operation.state == PREVIEW and operation.rehearsal_ended_at is None:
        at_once = rehearse(operation_id, mask)
    elif operation.state == RUNNING:
        _run(operation, failing, queue)
    _look_again(operation_id, queue, at_once=at_once)


def enqueue_unattended(queue: JobQueue, now: datetime | None = None) -> int:
    """Enqueue the operations that have something to do, and no job; returns how many those were.

    Raises:
        RedisError, QueueUnavailable: Redis does not answer.
    """
    now = now or utc_now()
    due = select(BulkOperation.id).where(
        BulkOperation.next_look_at < now - timedelta(seconds=GRACE_SECONDS)
    )
    with snapshot() as session:
        ids = session.scalars(due.order_by(BulkOperation.id)).all()
    if not ids:
        return 0
    live = live_operations(queue)
    unattended = [id for id in ids if id not in live]
    for id in unattended:
        log.warning("bulk operation had no job", operation=id)
        queue.enqueue_operation(id)
    return len(unattended)


def _take(operation_id: int) -> bool:
    """Have the operation for ourselves for a while; False where there is nothing to do now."""
    now = utc_now()
    with transaction() as session:
        try:
            operation = require_operation(session, operation_id, lock=True)
        except NotFound:
            return False
        if operation.next_look_at is None or operation.next_look_at > now:
            return False
        operation.next_look_at = now + timedelta(seconds=LEASE_SECONDS)
    return True


def _read(operation_id: int) -> BulkOperation:
    with snapshot() as session:
        return require_operation(session, operation_id)


def _run(operation: BulkOperation, failing: int, queue: JobQueue) -> None:
    progress = Progress(
        done=operation.done - operation.done_before,
        failed=operation.failed - operation.failed_before,
        failing=failing,
        in_flight=operation.in_flight,
    )
    if operation.left and (reason := reason_to_stop(progress)):
        _end(operation.id, STOPPED, reason)
    elif most := min(operation.left, allowance(progress)):
        start(operation, most, queue)


def _look_again(operation_id: int, queue: JobQueue, *, at_once: bool) -> None:
    """End it where nothing is left; otherwise say when to look, and enqueue that."""
    now = utc_now()
    with transaction() as session:
        operation = require_operation(session, operation_id, lock=True)
        nothing_left = not operation.in_flight and not operation.left
        is_over = operation.state == RUNNING and nothing_left
        rests = not operation.in_flight and operation.state != RUNNING and not at_once
        if is_over or rests:
            operation.next_look_at = None
        elif at_once:
            operation.next_look_at = now
        else:
            idle = (now - operation.progressed_at).total_seconds()
            operation.next_look_at = _whole_second(now, delay_seconds(idle))
        at = operation.next_look_at
    if is_over:
        _end(operation_id, FINISHED_OPERATION, None)
    if at is not None:
        _enqueue(queue, operation_id, None if at_once else at)


def _end(operation_id: int, state: str, reason: str | None) -> None:
    """It ran, and ends; unless an operator was faster."""
    with transaction() as session:
        operation = require_operation(session, operation_id, lock=True)
        if operation.state != RUNNING:
            return
        operation.state, operation.stop_reason, operation.ended_at = state, reason, utc_now()
        actor = Actor(name=operation.confirmed_by or "unknown", request_id=operation.request_id)
        outcome = f"{reason}; {said(operation)}" if reason else said(operation)
        action = "bulk.stop" if state == STOPPED else "bulk.finish"
        audit(session, operation, action, actor, outcome)
    log.info("bulk operation ended", operation=operation_id, state=state, reason=reason)


def _whole_second(now: datetime, seconds: float) -> datetime:
    """RQ's scheduler counts in whole seconds; a job must not come before its time."""
    return datetime.fromtimestamp(math.ceil(now.timestamp() + seconds), UTC)


def _enqueue(queue: JobQueue, operation_id: int, at: datetime | None) -> None:
    try:
        queue.enqueue_operation(operation_id, at)
    except QueueUnavailable as error:
        log.warning("left to recovery", operation=operation_id, error=str(error))
