"""The job queue: one queue, jobs named by a dotted string, integer ids as arguments.

The database is the truth about what must be done; the queue only says that it should be done
soon. So enqueueing may fail, and may happen twice, and neither loses or doubles anything.
"""

from __future__ import annotations

import math
import random
import secrets
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import TypeVar, cast

import redis
from flask import current_app
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from redis.retry import Retry as RedisRetry
from rq import Queue, Retry
from rq.job import Job
from rq.serializers import JSONSerializer

from payments.breaker import Breaker
from payments.config import Settings
from payments.errors import QueueUnavailable
from payments.retries import RetryPolicy

QUEUE_NAME = "payments"
EXTENSION = "payments.queue"
# A wire format: jobs that wait in Redis name it, also across a deployment.
PROCESS_EVENT = "jobs.process.process_event"
CONTINUE_OPERATION = "jobs.bulk.continue_operation"
RECONCILE_RUN = "jobs.reconcile.reconcile_run"
# A request may spend 300 ms on a Redis that hangs. Connecting, authenticating and the one round
# trip of an enqueue each have this limit, and the first that reaches it ends the call.
CONNECT_SECONDS = 0.1
SOCKET_SECONDS = 0.1
PATIENT_SECONDS = 10.0
BREAKER_OPEN_SECONDS = 5.0
# A slice of a bulk operation ends by itself much earlier, and may hold some slow dry runs.
SLICE_TIMEOUT_SECONDS = 120
# A run of reconciliation pauses after two minutes, between two hours.
RUN_TIMEOUT_SECONDS = 1800
DAY_SECONDS = 24 * 3600
YEAR_SECONDS = 365 * DAY_SECONDS
# How the ids of jobs end that wait for an event's next attempt, put off or brought forward.
DUE, DUE_AGAIN = "due", "dueagain"
R = TypeVar("R")


def connect(
    url: str,
    *,
    connect_seconds: float = CONNECT_SECONDS,
    socket_seconds: float | None = SOCKET_SECONDS,
) -> redis.Redis:
    """A Redis client that never retries by itself, so that its time limits are the truth."""
    return redis.Redis.from_url(
        url,
        socket_connect_timeout=connect_seconds,
        socket_timeout=socket_seconds,
        retry=RedisRetry(NoBackoff(), 0),
        # No greeting round trips: each would have a time limit of its own.
        protocol=2,
        driver_info=None,
    )


class JobQueue:
    """The queue `payments`, as seen by those that put jobs in: bounded in time, with a breaker."""

    def __init__(
        self,
        settings: Settings,
        connection: redis.Redis | None = None,
        watch_breaker: Callable[[bool], None] | None = None,
    ) -> None:
        """`watch_breaker` is told when the breaker opens (True) and closes."""
        self.connection = connection or connect(settings.redis_url)
        self.breaker = Breaker(BREAKER_OPEN_SECONDS, watch=watch_breaker)
        self._policy = settings.retry
        self._timeout_seconds = settings.job_timeout_seconds
        self._rng = random.SystemRandom()

    def enqueue_event(self, event_id: int, attempts: int = 0) -> str:
        """Enqueue the processing of the event with primary key `event_id`; returns the job's id.

        `attempts` were made before: the job gets the retries that are left of the budget.

        Raises:
            QueueUnavailable: Redis did not take the job in time. The job may be there all the
                same: a time-out while sending is ambiguous.
        """
        job = self._bounded(lambda: self._enqueue(event_id, attempts))
        return str(job.id)

    def postpone(
        self, event_id: int, seconds: float, attempts: int = 0, asking: str | None = None
    ) -> None:
        """Have the event's next attempt made in so many seconds, by one job however often asked.

        The id is fixed, so a job that waits under it is replaced; but it is not that of the job
        that is `asking`, which RQ deletes when it ends. The job is never early, because what comes
        early would be put off again; RQ's scheduler counts in whole seconds, rounded down.

        Raises:
            QueueUnavailable: as for `enqueue_event`.
        """
        at = datetime.now(UTC) + timedelta(seconds=math.ceil(seconds) + 1)

        def schedule() -> None:
            job = self.new_job(event_id, attempts, DUE)
            if job.id == asking:
                job = self.new_job(event_id, attempts, DUE_AGAIN)
            with self.connection.pipeline() as pipeline:
                self.queue.schedule_job(job, at, pipeline=pipeline)
                pipeline.execute()

        self._bounded(schedule)

    def enqueue_operation(self, operation_id: int, at: datetime | None = None) -> None:
        """Enqueue the next slice of a bulk operation, for now or for the whole second `at`.

        Raises:
            QueueUnavailable: as for `enqueue_event`; recovery enqueues it from the database.
        """

        def enqueue() -> None:
            what = f"bulk operation {operation_id}"
            job = self._job(CONTINUE_OPERATION, operation_id, "bulk", what, SLICE_TIMEOUT_SECONDS)
            with self.connection.pipeline() as pipeline:
                if at is None:
                    self.queue.enqueue_job(job, pipeline=pipeline)
                else:
                    self.queue.schedule_job(job, at, pipeline=pipeline)
                pipeline.execute()

        self._bounded(enqueue)

    def enqueue_run(self, run_id: int) -> None:
        """Enqueue a run of reconciliation that an operator asked for.

        Raises:
            QueueUnavailable: as for `enqueue_event`.
        """
        what = f"reconciliation run {run_id}"
        job = self._job(RECONCILE_RUN, run_id, "run", what, RUN_TIMEOUT_SECONDS)
        self._bounded(lambda: self.queue.enqueue_job(job))

    def ping(self) -> None:
        """Raises RedisError if Redis does not answer in time."""
        self.connection.ping()

    @classmethod
    def patient(cls, settings: Settings) -> JobQueue:
        """For work that nobody waits for, and that reads whole registries."""
        return cls(
            settings,
            connect(
                settings.redis_url,
                connect_seconds=PATIENT_SECONDS,
                socket_seconds=PATIENT_SECONDS,
            ),
        )

    @cached_property
    def queue(self) -> Queue:
        """Kept, because a new one asks Redis for its version first."""
        return queue_of(self.connection)

    def new_job(self, event_id: int, attempts: int, suffix: str) -> Job:
        """A job of the event, not enqueued yet."""
        return self.queue.create_job(
            PROCESS_EVENT,
            args=(event_id,),
            job_id=f"event-{event_id}-{suffix}",
            description=f"event {event_id}",
            timeout=self._timeout_seconds,
            result_ttl=0,
            failure_ttl=YEAR_SECONDS,
            retry=retries(self._policy, attempts, self._rng),
        )

    def _job(self, function: str, id: int, prefix: str, what: str, timeout: int) -> Job:
        """A job that is not of an event. The database knows what it is for: a day is enough."""
        return self.queue.create_job(
            function,
            args=(id,),
            job_id=f"{prefix}-{id}-{secrets.token_hex(6)}",
            description=what,
            timeout=timeout,
            result_ttl=0,
            failure_ttl=DAY_SECONDS,
        )

    def _bounded(self, ask: Callable[[], R]) -> R:
        if not self.breaker.allows():
            raise QueueUnavailable("Redis failed a moment ago; it is left alone for a few seconds.")
        try:
            answer = ask()
        except (RedisError, OSError) as error:
            self.breaker.failed()
            raise QueueUnavailable(f"{type(error).__name__} while enqueueing.") from error
        self.breaker.succeeded()
        return answer

    def _enqueue(self, event_id: int, attempts: int) -> Job:
        # A fresh id each time: with a fixed one, RQ would push the same job twice, or refuse it
        # for as long as an old job's hash exists.
        job = self.new_job(event_id, attempts, secrets.token_hex(6))
        with self.connection.pipeline() as pipeline:
            self.queue.enqueue_job(job, pipeline=pipeline)
            pipeline.execute()
        return job


def job_queue() -> JobQueue:
    """The job queue of the current application."""
    return cast(JobQueue, current_app.extensions[EXTENSION])


def queue_of(connection: redis.Redis) -> Queue:
    """RQ's queue on `connection`. JSON keeps pickles out of Redis."""
    return Queue(QUEUE_NAME, connection=connection, serializer=JSONSerializer)


def retries(policy: RetryPolicy, attempts: int, rng: random.Random) -> Retry | None:
    """RQ's `Retry` for what is left of the budget after `attempts`; None where nothing is.

    Exactly as many intervals as retries: RQ repeats the first of a short list.
    """
    count = policy.remaining(attempts) - 1
    if count < 1:
        return None
    intervals = [policy.backoff(attempts + n, rng) for n in range(1, count + 1)]
    return Retry(max=count, interval=whole_seconds(intervals))


def whole_seconds(intervals: Sequence[float]) -> list[int]:
    """RQ's scheduler counts in whole seconds; rounded, so that jitter below a second survives."""
    return [max(0, round(seconds)) for seconds in intervals]


def steer_retry(job: Job, retry_in_seconds: float | None) -> None:
    """Make a failing `job` do what the database has decided.

    RQ reads both fields when the job raises. None means: no more retries, to the FailedJobRegistry.
    """
    if retry_in_seconds is None:
        job.retries_left = 0
        return
    job.retries_left = 1
    job.retry_intervals = whole_seconds([retry_in_seconds])
