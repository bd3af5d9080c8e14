"""What an operator does to events: retry, replay, discard. Each item is a transaction of its own.

So an operation may be interrupted anywhere. Run again, a retry or discard does what is left; a
replay by filter begins anew, because a replayed event still matches. Each change commits together
with its line in the audit log; Redis is told afterwards, and where it does not listen, recovery
tells it.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass

import structlog
from redis.exceptions import RedisError
from sqlalchemy import select
from sqlalchemy.orm import Session

from payments.attempts import bury_all, locked
from payments.database import DATABASE_AWAY, transaction
from payments.errors import InvalidQuery, QueueUnavailable
from payments.events import EventFilter
from payments.models import (
    DEAD,
    DISCARDED,
    FINISHED,
    RECEIVED,
    AuditLog,
    Event,
    EventPayload,
    utc_now,
)
from payments.queueing import JobQueue
from payments.registries import failed_jobs, remove_failed_jobs

BATCH = 1000
LONGEST_REASON = 1000

log = structlog.get_logger(__name__)


@dataclass(frozen=True, kw_only=True)
class Actor:
    """Who does it: a name for the audit log, and the request it came with, if one did."""

    name: str
    request_id: str | None = None


@dataclass(frozen=True, kw_only=True)
class ItemResult:
    """What became of one event: `done`, or why it was skipped."""

    event_id: int
    done: bool
    outcome: str


def retry(
    ids: Iterable[int], actor: Actor, queue: JobQueue, reason: str | None = None
) -> Iterator[ItemResult]:
    """Give dead events a full new budget of attempts, now. Their history stays."""
    return _operate("dlq.retry", _retry, ids, actor, queue, _checked(reason, needed=False))


def replay(
    ids: Iterable[int], actor: Actor, queue: JobQueue, reason: str | None = None
) -> Iterator[ItemResult]:
    """Process events again, finished ones too, with the handlers of today."""
    return _operate("events.replay", _replay, ids, actor, queue, _checked(reason, needed=False))


def discard(
    ids: Iterable[int], actor: Actor, queue: JobQueue, reason: str | None
) -> Iterator[ItemResult]:
    """Give dead events up for good, with a reason.

    Raises:
        InvalidQuery: there is no reason.
    """
    return _operate("dlq.discard", _discard, ids, actor, queue, _checked(reason, needed=True))


def freeze(session: Session, which: EventFilter, *, confirmed: bool) -> list[int]:
    """The primary keys that a filter matches now: what happens later does not widen it.

    Raises:
        InvalidQuery: the filter leaves nothing out, and that is not confirmed.
    """
    if which.is_everything and not confirmed:
        raise InvalidQuery("The filter matches everything; say so explicitly if that is meant.")
    found: list[int] = []
    while True:
        after = found[-1] if found else 0
        query = which.apply(select(Event)).with_only_columns(Event.id)
        batch = session.scalars(query.where(Event.id > after).order_by(Event.id).limit(BATCH)).all()
        found += batch
        if len(batch) < BATCH:
            return found


def _checked(reason: str | None, *, needed: bool) -> str | None:
    reason = (reason or "").strip() or None
    if needed and reason is None:
        raise InvalidQuery("reason: say why.")
    if reason and (len(reason) > LONGEST_REASON or "\x00" in reason):
        raise InvalidQuery(f"reason: use at most {LONGEST_REASON} characters, without NUL.")
    return reason


Change = Callable[[Session, Event], str | None]


def _operate(
    action: str,
    change: Change,
    ids: Iterable[int],
    actor: Actor,
    queue: JobQueue,
    reason: str | None,
) -> Iterator[ItemResult]:
    registry = _failed_jobs(queue)
    for event_id in ids:
        try:
            refusal, unfinished = _apply(action, change, event_id, actor, reason)
        except DATABASE_AWAY as error:
            log.warning("not done", id=event_id, action=action, error=type(error).__name__)
            refusal = "skipped: it is locked, or the database is away; try again"
            unfinished = False
        if refusal is None:
            _tell_redis(queue, event_id, unfinished, registry.get(event_id, ()))
        yield ItemResult(event_id=event_id, done=refusal is None, outcome=refusal or "done")


def _apply(
    action: str, change: Change, event_id: int, actor: Actor, reason: str | None
) -> tuple[str | None, bool]:
    """Change the event and write the audit's line; why not, and whether work is left to do."""
    with transaction() as session:
        event = locked(session, event_id)
        refusal = change(session, event) if event is not None else "there is no such event"
        session.add(
            AuditLog(
                at=utc_now(),
                actor=actor.name,
                action=action,
                event_id=event_id,
                reason=reason,
                outcome=refusal or "done",
                request_id=actor.request_id,
            )
        )
        return refusal, event is not None and event.status not in FINISHED


def _retry(session: Session, event: Event) -> str | None:
    """Why it is not retried, or None."""
    if event.status != DEAD:
        return f"skipped: it is {event.status}, not dead"
    return _replay(session, event)


def _replay(session: Session, event: Event) -> str | None:
    """Why it is not replayed, or None."""
    kept = select(EventPayload.event_id).where(EventPayload.event_id == event.id)
    if session.scalar(kept) is None:
        return "skipped: its payload has expired"
    _start_over(session, event)
    return None


def _discard(_session: Session, event: Event) -> str | None:
    """Why it is not discarded, or None."""
    if event.status != DEAD:
        return f"skipped: it is {event.status}, not dead"
    event.status, event.next_attempt_at = DISCARDED, None
    return None


def _start_over(session: Session, event: Event) -> None:
    bury_all(session, event.id, utc_now())
    event.status = RECEIVED
    event.attempts = 0
    event.next_attempt_at = utc_now()
    event.processed_at = None


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
