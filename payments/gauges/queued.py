"""What Redis knows: jobs that wait, workers that live, and when the scheduled ones last ran.

Each answer costs the same however long the queue is.
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from datetime import datetime

import redis
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from rq.job import Job
from rq.utils import utcparse
from rq.worker_registration import WORKERS_BY_QUEUE_KEY

from payments.beats import JOBS, SCHEDULER, last_beats
from payments.extensions import settings
from payments.gauges.unusual import unusual_gauge
from payments.queueing import QUEUE_NAME, connect, queue_of

SOCKET_SECONDS = 1.0
# A worker that waits for a job says so at least every 45 seconds (jobs/worker.py).
ALIVE_SECONDS = 75


def queued_gauges() -> list[Metric]:
    """Raises RedisError where Redis does not answer."""
    connection = connect(
        settings().redis_url, connect_seconds=SOCKET_SECONDS, socket_seconds=SOCKET_SECONDS
    )
    try:
        return [
            *_jobs(connection),
            *_workers(connection),
            *_beats(connection),
            unusual_gauge(connection),
        ]
    finally:
        connection.close()


def _jobs(connection: redis.Redis) -> Iterable[Metric]:
    queue = queue_of(connection)
    figures = {
        "payments_queue_jobs": ("Jobs that wait for a worker.", queue.count),
        "payments_queue_oldest_job_seconds": (
            "How long the job has waited that is next; 0 where none waits.",
            _age_of_next(connection, queue.key),
        ),
        "payments_scheduled_jobs": (
            "Jobs that wait for the time of their event's next attempt.",
            queue.scheduled_job_registry.get_job_count(cleanup=False),
        ),
        "payments_failed_jobs": (
            "Jobs in RQ's FailedJobRegistry.",
            queue.failed_job_registry.get_job_count(cleanup=False),
        ),
    }
    return [GaugeMetricFamily(name, help, value) for name, (help, value) in figures.items()]


def _age_of_next(connection: redis.Redis, queue_key: str) -> float:
    first = connection.lindex(queue_key, 0)
    if first is None:
        return 0.0
    enqueued_at = connection.hget(Job.key_for(_text(first)), "enqueued_at")
    if enqueued_at is None:  # a worker has just taken it
        return 0.0
    return max(0.0, time.time() - _moment(enqueued_at).timestamp())


def _workers(connection: redis.Redis) -> Iterable[Metric]:
    keys = [_text(key) for key in connection.smembers(WORKERS_BY_QUEUE_KEY % QUEUE_NAME)]
    with connection.pipeline(transaction=False) as pipeline:
        for key in keys:
            pipeline.hget(key, "last_heartbeat")
        heard = pipeline.execute()
    now = time.time()
    alive = [at for at in heard if at and now - _moment(at).timestamp() < ALIVE_SECONDS]
    return [GaugeMetricFamily("payments_workers", "Workers that were heard of lately.", len(alive))]


def _beats(connection: redis.Redis) -> Iterable[Metric]:
    beats = last_beats(connection)
    jobs = GaugeMetricFamily(
        "payments_task_last_success_timestamp_seconds",
        "When this scheduled task last came to its end; 0 where Redis does not know.",
        labels=["task"],
    )
    for name in JOBS:
        jobs.add_metric([name], beats.get(name, 0.0))
    scheduler = GaugeMetricFamily(
        "payments_scheduler_last_seen_timestamp_seconds",
        "When the scheduler was last heard of; 0 where Redis does not know.",
        beats.get(SCHEDULER, 0.0),
    )
    return [jobs, scheduler]


def _moment(value: object) -> datetime:
    """RQ's times are ISO 8601 in UTC."""
    return utcparse(_text(value))


def _text(value: object) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)
