"""What an operator does to events: retry, replay, discard. Each item is a transaction of its own.

So an operation may be interrupted anywhere. Run again, a retry or discard does what is left; a
replay by filter begins anew, because a replayed event still matches. Each change commits together
with its line in the audit log; Redis is told afterwards, and where it does not listen, recovery
tells it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from typing import Protocol

import structlog
from redis.exceptions import RedisError
from sqlalchemy import select
from sqlalchemy.orm import Session

from payments.actions import Action, ItemResult
from payments.attempts import locked
from payments.audit import Actor as Actor
from payments.audit import checked_reason
from payments.database import DATABASE_AWAY, transaction
from payments.errors import QueueUnavailable
from payments.models import FINISHED, AuditLog, Event, EventPayload
from payments.queueing import JobQueue
from payments.registries import failed_jobs, remove_failed_jobs

log = structlog.get_logger(__name__)


class Part(Protocol):
    """A part in the transaction that changes one event: a bulk operation keeps its item so.

    What either method raises undoes the change and its line in the audit log, and ends it all.
    """

    operation_id: int

    def refuse(self, session: Session, event: Event | None) -> str | None:
        """Why the event, whose lock is ours, must not be changed; None where it may be."""

    def note(self, session: Session, event_id: int, refusal: str | None) -> None:
        """The event is changed, or is not because of `refusal`."""


def operate(
    action: Action,
    ids: Iterable[int],
    actor: Actor,
    queue: JobQueue,
    reason: str | None = None,
    part: Part | None = None,
) -> Iterator[ItemResult]:
    """Do `action` to one event after the other, as the result is asked for.

    Raises:
        InvalidQuery: at once, where the reason is needed and missing, or cannot be kept.
    """
    reason = checked_reason(reason, needed=action.needs_reason)
    return _operate(action, ids, actor, queue, reason, part)


def _operate(
    action: Action,
    ids: Iterable[int],
    actor: Actor,
    queue: JobQueue,
    reason: str | None,
    part: Part | None,
) -> Iterator[ItemResult]:
    registry = _failed_jobs(queue)
    for event_id in ids:
        try:
            refusal, unfinished = _apply(action, event_id, actor, reason, part)
        except DATABASE_AWAY as error:
            log.warning("not done", id=event_id, action=action.name, error=type(error).__name__)
            refusal = "skipped: it is locked, or the database is away; try again"
            unfinished = False
        if refusal is None:
            _tell_redis(queue, event_id, unfinished, registry.get(event_id, ()))
        yield ItemResult(event_id=event_id, done=refusal is None, outcome=refusal or "done")


def _apply(
    action: Action, event_id: int, actor: Actor, reason: str | None, part: Part | None
) -> tuple[str | None, bool]:
    """Change the event and write the audit's line; why not, and whether work is left to do."""
    with transaction() as session:
        event = locked(session, event_id)
        status = None if event is None else event.status
        refusal = part.refuse(session, event) if part else None
        refusal = refusal or action.refusal(status, _has_payload(session, event_id))
        if event is not None and refusal is None:
            action.change(session, event)
        session.add(
            AuditLog.of(
                actor,
                action.name,
                refusal or "done",
                event_id=event_id,
                operation_id=part.operation_id if part else None,
                reason=reason,
            )
        )
        if part:
            part.note(session, event_id, refusal)
        return refusal, event is not None and event.status not in FINISHED


def _has_payload(session: Session, event_id: int) -> bool:
    kept = select(EventPayload.event_id).where(EventPayload.event_id == event_id)
    return session.scalar(kept) is not None


def _failed_jobs(queue: JobQueue) -> dict[int, list[str]]:
    try:
        return failed_jobs(queue)
    except (RedisError, OSError) as error:
        log.warning("failed jobs are left to recovery", error=type(error).__name__)
        return {}


def _tell_redis(queue: JobQueue, event_id: int, unfinished: bool, jobs: Collection[str]) -> None:
    try:
        if unfinished:
            queue.enqueue_event(event_id)
        remove_failed_jobs(queue, list(jobs))
    except (QueueUnavailable, RedisError, OSError) as error:
        log.warning("left to recovery", id=event_id, error=type(error).__name__)
