"""What is left to do, in a few numbers: for `flask status`, and for alerts."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from payments.models import DEAD, UNFINISHED, Event
from payments.queueing import JobQueue
from payments.recovery import oldest_stranded_at
from payments.registries import failed_jobs


@dataclass(frozen=True, kw_only=True)
class Backlog:
    """What is unfinished now. Ages are in seconds, and 0 where there is nothing of that kind.

    Attributes:
        unfinished: events by status, of those that have not ended.
        dead: dead events.
        queued_jobs: jobs that wait for a worker.
        retries_waiting: jobs that wait for their next attempt's time.
        failed_jobs: jobs in the FailedJobRegistry.
        oldest_unfinished_seconds: the age of the oldest unfinished event.
        oldest_stranded_seconds: the age of the oldest event that is due and has no job. The one to
            alert on: recovery keeps it below a minute.
    """

    unfinished: dict[str, int]
    dead: int
    queued_jobs: int
    retries_waiting: int
    failed_jobs: int
    oldest_unfinished_seconds: float
    oldest_stranded_seconds: float


def measure(session: Session, queue: JobQueue, now: datetime) -> Backlog:
    """Raises RedisError where Redis does not answer."""
    counted = session.execute(
        select(Event.status, func.count(), func.min(Event.received_at))
        .where(Event.status.in_(UNFINISHED))
        .group_by(Event.status)
    ).all()
    dead = session.scalar(select(func.count()).select_from(Event).where(Event.status == DEAD))
    return Backlog(
        unfinished=dict.fromkeys(UNFINISHED, 0) | {row[0]: row[1] for row in counted},
        dead=dead or 0,
        queued_jobs=queue.queue.count,
        retries_waiting=queue.queue.scheduled_job_registry.get_job_count(cleanup=False),
        failed_jobs=sum(map(len, failed_jobs(queue).values())),
        oldest_unfinished_seconds=_age(min((row[2] for row in counted), default=None), now),
        oldest_stranded_seconds=_age(oldest_stranded_at(session, queue), now),
    )


def _age(since: datetime | None, now: datetime) -> float:
    return 0.0 if since is None else round(max(0.0, (now - since).total_seconds()), 3)
