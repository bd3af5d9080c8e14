"""rq-scheduler's registrations, and its process: `python -m jobs.schedule`.

rq-scheduler is near its end of life upstream, so everything that knows it is in this file. Its
gaps are closed here: a schedule that Redis lost is registered again within seconds, and a job that
still waits in the queue is not pushed a second time.
"""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import redis
import structlog
from rq.job import Job
from rq.serializers import JSONSerializer
from rq_scheduler import Scheduler

from payments.app import create_app_or_exit
from payments.beats import SCHEDULER, beat
from payments.extensions import settings
from payments.queueing import QUEUE_NAME

POLL_SECONDS = 5

log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Periodic:
    """A job that runs every `seconds`. The id is fixed: registering it again replaces it."""

    id: str
    function: str
    seconds: int
    timeout_seconds: int


PERIODIC = (
    Periodic("schedule-recover", "jobs.recover.recover_events", 30, 120),
    Periodic("schedule-count", "jobs.counts.count_events", 300, 300),
    Periodic("schedule-money", "jobs.reconcile.reconcile_money", 300, 1800),
)


def periodic(reconcile_every_minutes: int) -> tuple[Periodic, ...]:
    """All of them: those above, and the one whose interval is configured."""
    seconds = reconcile_every_minutes * 60
    events = Periodic("schedule-events", "jobs.reconcile.reconcile_events", seconds, 1800)
    return (*PERIODIC, events)


class JSONJob(Job):
    """rq-scheduler pickles, unless the job class says otherwise."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs["serializer"] = JSONSerializer
        super().__init__(*args, **kwargs)


class PeriodicScheduler(Scheduler):  # type: ignore[misc]
    """rq-scheduler, kept registered and kept from piling up."""

    periodic: Sequence[Periodic] = PERIODIC

    def register_birth(self) -> None:
        """Register all anew: an interval or a function may have changed with this version."""
        super().register_birth()
        for job in self.periodic:
            self._register(job)

    def heartbeat(self) -> None:
        """Called on every round of rq-scheduler's loop."""
        super().heartbeat()
        beat(self.connection, SCHEDULER)
        for job in self.periodic:
            at = self.connection.zscore(self.scheduled_jobs_key, job.id)
            # Lost, or set by a clock that was ahead: it would sleep until then.
            if at is None or at > time.time() + 2 * job.seconds:
                self._register(job)

    def enqueue_job(self, job: Job) -> None:
        """Push it to the queue's front, unless it still waits there: no worker runs, then."""
        queue = self.get_queue_for_job(job)
        if self.connection.lpos(queue.key, job.id) is None:
            super().enqueue_job(job)
        else:
            again_at = time.time() + job.meta["interval"]
            self.connection.zadd(self.scheduled_jobs_key, {job.id: again_at})

    def _register(self, job: Periodic) -> None:
        self.schedule(
            scheduled_time=datetime.now(UTC).replace(tzinfo=None),
            func=job.function,
            interval=job.seconds,
            # Anything shorter than the interval makes the schedule vanish silently.
            result_ttl=-1,
            timeout=job.timeout_seconds,
            id=job.id,
            description=job.function,
            queue_name=QUEUE_NAME,
            # Recovery must not wait behind the backlog that it is there for.
            at_front=True,
        )
        log.info("scheduled", job=job.id, seconds=job.seconds)


def main() -> None:
    # Times in cron form are read in the process's time zone.
    os.environ["TZ"] = "UTC"
    time.tzset()
    with create_app_or_exit().app_context():
        connection = redis.Redis.from_url(settings().redis_url)
        scheduler = PeriodicScheduler(
            QUEUE_NAME, interval=POLL_SECONDS, connection=connection, job_class=JSONJob
        )
        scheduler.periodic = periodic(settings().reconcile_every_minutes)
        scheduler.run()


if __name__ == "__main__":
    main()
