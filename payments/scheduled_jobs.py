"""The jobs that rq-scheduler keeps up, as Redis knows them: when each ran last, and when it is due.

`jobs/schedule.py` registers them; here they are only looked at, whichever there are.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import cast

from rq.exceptions import NoSuchJobError
from rq.job import Job, JobStatus
from rq.serializers import JSONSerializer

from payments.queueing import JobQueue

SCHEDULED = "rq:scheduler:scheduled_jobs"


@dataclass(frozen=True, kw_only=True)
class ScheduledJob:
    """One of them.

    Attributes:
        name: its function, as in "jobs.recover.recover_events".
        last_at: when it last ended; None where Redis knows of no run.
        failed: whether that run failed.
        waits: whether it is in the queue now, or runs.
        every_seconds: its interval.
        due_at: when it is put into the queue next.
    """

    name: str
    last_at: datetime | None
    failed: bool
    waits: bool
    every_seconds: int
    due_at: datetime

    def is_late(self, now: datetime) -> bool:
        """Whether it should have been put into the queue and was not, for longer than is usual."""
        return (now - self.due_at).total_seconds() > self.every_seconds


def scheduled_jobs(queue: JobQueue) -> list[ScheduledJob]:
    """Raises RedisError where Redis does not answer."""
    return sorted(_look(queue), key=lambda job: (job.every_seconds, job.name))


def _look(queue: JobQueue) -> Iterator[ScheduledJob]:
    due = cast(
        "list[tuple[bytes, float]]", queue.connection.zrange(SCHEDULED, 0, -1, withscores=True)
    )
    for id, score in due:
        try:
            job = Job.fetch(id.decode(), connection=queue.connection, serializer=JSONSerializer)
        except NoSuchJobError:  # the scheduler registers it anew within seconds
            continue
        status = job.get_status(refresh=False)
        yield ScheduledJob(
            name=job.description or job.id,
            last_at=job.ended_at and job.ended_at.replace(tzinfo=UTC),
            failed=status == JobStatus.FAILED,
            waits=status in (JobStatus.QUEUED, JobStatus.STARTED),
            every_seconds=int(job.meta.get("interval", 0)),
            due_at=datetime.fromtimestamp(score, UTC),
        )
