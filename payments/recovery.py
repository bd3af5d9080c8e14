"""Recovery: what the database says must be done, and Redis does not know of.

Redis may have been down, flushed or restored from last week. The database is the truth, so:
- an event that is unfinished, was due a while ago and has no job that lives is enqueued again;
- a dead event without a failed job gets one, and a failed job whose event is not dead goes.
"""

from __future__ import annotations

import itertools
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog
from sqlalchemy import Select, select, tuple_
from sqlalchemy.orm import Session

from payments.attempts import LEASE_SECONDS
from payments.config import Settings
from payments.database import snapshot, time_of_server, transaction
from payments.models import DEAD, UNFINISHED, Event
from payments.queueing import JobQueue
from payments.registries import failed_jobs, live_events, mirror_dead_event, remove_failed_jobs

BATCH = 500
# An event that is due for less than this is most likely about to be taken by a worker.
GRACE_SECONDS = 10

log = structlog.get_logger(__name__)


@dataclass(frozen=True, kw_only=True)
class Recovered:
    """What a sweep mended: events enqueued again, dead letters mirrored, failed jobs removed."""

    enqueued: int = 0
    mirrored: int = 0
    removed: int = 0


def recover(queue: JobQueue, settings: Settings, most_batches: int | None = None) -> Recovered:
    """One sweep, in bounded batches; safe to run twice at once.

    `most_batches` ends it early: a worker that swept the whole backlog before its first job would
    never come to that job where workers die often.

    Raises:
        RedisError, QueueUnavailable: Redis could not be asked, or took no more. What was
            enqueued until then stays enqueued, and the next sweep goes on.
    """
    enqueued = enqueue_stranded(queue, most_batches=most_batches)
    mirrored, removed = mirror_dead_letters(queue, settings)
    done = Recovered(enqueued=enqueued, mirrored=mirrored, removed=removed)
    if done != Recovered():
        log.warning("recovered", enqueued=enqueued, mirrored=mirrored, removed=removed)
    return done


def enqueue_stranded(
    queue: JobQueue, now: datetime | None = None, most_batches: int | None = None
) -> int:
    """Enqueue what is due and has no live job; returns how many events that were.

    Two sweeps at once do not do the same work: each locks the rows of its batch, the other passes
    over them, and an enqueued event is not due again for a while. Enqueueing one twice would be
    harmless all the same.
    """
    now = now or _now()
    live = live_events(queue)
    enqueued = 0
    position: tuple[datetime, int] | None = None
    for number in itertools.count(1):
        count, position = _enqueue_batch(queue, now, live, position)
        enqueued += count
        if position is None or number == most_batches:
            break
    return enqueued


def oldest_stranded_at(session: Session, queue: JobQueue) -> datetime | None:
    """When the oldest event was received that is due and has no live job; None where none is.

    The number to alert on: it stays near zero while recovery works.
    """
    live = live_events(queue)
    ids = session.execute(
        _due(time_of_server(session)).with_only_columns(Event.id, Event.received_at)
    )
    return min((row.received_at for row in ids if row.id not in live), default=None)


def mirror_dead_letters(queue: JobQueue, settings: Settings) -> tuple[int, int]:
    """Make the FailedJobRegistry say what the rows say; returns how many jobs came and went.

    The rows are read first: a worker marks its event dead while its job still runs, and RQ moves
    the job to the registry afterwards in one step.
    """
    with snapshot() as session:
        dead = set(_dead_events(session))
    live = live_events(queue)
    failed = failed_jobs(queue)
    wanted = dead if settings.dlq_backend == "redis" else set()
    missing = sorted(id for id in wanted if id not in failed and id not in live)
    for id, error in _last_errors(missing):
        mirror_dead_event(queue, id, error or "")
    surplus = [
        *(id for event, ids in failed.items() if event in wanted for id in sorted(ids)[1:]),
        *_of_events_not_dead(failed, wanted | live, settings),
    ]
    remove_failed_jobs(queue, surplus)
    return len(missing), len(surplus)


def _of_events_not_dead(
    failed: dict[int, list[str]], known: Collection[int], settings: Settings
) -> Iterator[str]:
    """The failed jobs of events that are not dead; with `DLQ_BACKEND=db`, of dead ones too.

    Looked up again, in bounded batches: an event may have died since `known` was read.
    """
    others = sorted(event for event in failed if event not in known)
    for start in range(0, len(others), BATCH):
        batch = others[start : start + BATCH]
        with snapshot() as session:
            dead = select(Event.id).where(Event.id.in_(batch), Event.status == DEAD)
            kept = set(session.scalars(dead)) if settings.dlq_backend == "redis" else set()
        yield from (id for event in batch if event not in kept for id in failed[event])


def _enqueue_batch(
    queue: JobQueue, now: datetime, live: set[int], after: tuple[datetime, int] | None
) -> tuple[int, tuple[datetime, int] | None]:
    """One bounded batch: how many were enqueued, and where the next one begins (None: nowhere)."""
    due = _due(now).limit(BATCH).with_for_update(skip_locked=True, key_share=True)
    if after is not None:
        due = due.where(tuple_(Event.next_attempt_at, Event.id) > after)
    with transaction() as session:
        events = session.scalars(due).all()
        last = events[-1] if len(events) == BATCH else None
        position = (last.next_attempt_at, last.id) if last and last.next_attempt_at else None
        stranded = [(it.id, it.attempts) for it in events if it.id not in live]
        for event in events:
            if event.id not in live:
                event.next_attempt_at = now + timedelta(seconds=LEASE_SECONDS)
    # Outside of the transaction: no lock is held while Redis may hang. What is not enqueued now
    # is due again when its lease is over.
    for id, attempts in stranded:
        queue.enqueue_event(id, attempts)
    return len(stranded), position


def _due(now: datetime) -> Select[Event]:
    return (
        select(Event)
        .where(
            Event.status.in_(UNFINISHED),
            Event.next_attempt_at < now - timedelta(seconds=GRACE_SECONDS),
        )
        .order_by(Event.next_attempt_at, Event.id)
    )


def _dead_events(session: Session) -> Iterator[int]:
    """Every dead event's primary key, in bounded batches."""
    after = 0
    while True:
        ids = session.scalars(
            select(Event.id)
            .where(Event.status == DEAD, Event.id > after)
            .order_by(Event.id)
            .limit(BATCH)
        ).all()
        yield from ids
        if len(ids) < BATCH:
            return
        after = ids[-1]


def _last_errors(ids: list[int]) -> Iterator[tuple[int, str | None]]:
    """The last error of each of these events, in bounded batches."""
    for start in range(0, len(ids), BATCH):
        with snapshot() as session:
            rows = session.execute(
                select(Event.id, Event.last_error).where(Event.id.in_(ids[start : start + BATCH]))
            ).all()
        for row in rows:
            yield row.id, row.last_error


def _now() -> datetime:
    """By the database's clock, which wrote the leases too."""
    with snapshot() as session:
        return time_of_server(session)
