"""What is due and has no job: found in the database, enqueued again.

Redis may have been down, flushed or restored from last week. The database is the truth: an event
that is unfinished, and was due a while ago, must have a job that waits or runs. One that has none
gets one.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from datetime import datetime, timedelta

import structlog
from redis.exceptions import RedisError
from sqlalchemy import select, tuple_

from payments.database import transaction
from payments.errors import QueueUnavailable
from payments.models import UNFINISHED, Event, utc_now
from payments.queueing import JobQueue

BATCH = 500
# An event that is due for less than this is most likely about to be taken by a worker.
GRACE_SECONDS = 10
JOB_ID = re.compile(r"event-([0-9]+)-[0-9a-f]+")

log = structlog.get_logger(__name__)


def recover(queue: JobQueue, now: datetime | None = None) -> int:
    """Enqueue what is due and has no live job; returns how many events that were.

    Two that run at once do not do the same work: each locks the rows it looks at, and the other
    passes over them. Enqueueing an event twice would be harmless all the same.

    Raises:
        RedisError: Redis could not say which jobs it has.
    """
    now = now or utc_now()
    live = live_events(queue)
    enqueued = 0
    position: tuple[datetime, int] | None = None
    while True:
        count, position = _recover_batch(queue, now, live, position)
        enqueued += count
        if position is None:
            break
    if enqueued:
        log.warning("recovered", events=enqueued)
    return enqueued


def live_events(queue: JobQueue) -> set[int]:
    """The primary keys of the events that have a job which waits, is scheduled, or runs."""
    return {int(match[1]) for id in _live_job_ids(queue) if (match := JOB_ID.match(id))}


def _live_job_ids(queue: JobQueue) -> Iterator[str]:
    rq_queue = queue.queue
    yield from rq_queue.get_job_ids()
    yield from rq_queue.scheduled_job_registry.get_job_ids(cleanup=False)
    yield from _running_job_ids(queue)
    for id in queue.connection.lrange(rq_queue.intermediate_queue_key, 0, -1):
        yield id.decode() if isinstance(id, bytes) else id


def _running_job_ids(queue: JobQueue) -> Iterator[str]:
    """Jobs whose worker was heard of lately: the registry's scores are when their lease ends.

    A member is "<job id>:<execution id>", and stays for a while after its worker died.
    """
    key = queue.queue.started_job_registry.key
    for member in queue.connection.zrangebyscore(key, time.time(), "+inf"):
        yield member.decode() if isinstance(member, bytes) else str(member)


def _recover_batch(
    queue: JobQueue, now: datetime, live: set[int], after: tuple[datetime, int] | None
) -> tuple[int, tuple[datetime, int] | None]:
    """One bounded batch: how many were enqueued, and where the next one begins (None: nowhere)."""
    due = (
        select(Event)
        .where(
            Event.status.in_(UNFINISHED),
            Event.next_attempt_at < now - timedelta(seconds=GRACE_SECONDS),
        )
        .order_by(Event.next_attempt_at, Event.id)
        .limit(BATCH)
        .with_for_update(skip_locked=True, key_share=True)
    )
    if after is not None:
        due = due.where(tuple_(Event.next_attempt_at, Event.id) > after)
    enqueued = 0
    with transaction() as session:
        events = session.scalars(due).all()
        for event in events:
            if event.id in live:
                continue
            try:
                queue.enqueue_event(event.id, event.attempts)
            except QueueUnavailable as error:
                raise RedisError(str(error)) from error
            enqueued += 1
        last = events[-1] if len(events) == BATCH else None
        position = (last.next_attempt_at, last.id) if last and last.next_attempt_at else None
    return enqueued, position
