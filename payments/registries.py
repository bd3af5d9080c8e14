"""What Redis knows of the events: which have a job that waits or runs, and which a failed one."""

from __future__ import annotations

import re
import time
from collections import defaultdict
from collections.abc import Iterator

from rq.job import Job, JobStatus
from rq.results import Result

from payments.queueing import JobQueue

JOB_ID = re.compile(r"event-([0-9]+)-[0-9a-z]+")
OPERATION_JOB_ID = re.compile(r"bulk-([0-9]+)-[0-9a-z]+")


def live_events(queue: JobQueue) -> set[int]:
    """The primary keys of the events that have a job which waits, is scheduled, or runs.

    Raises:
        RedisError: Redis does not say.
    """
    return {event for id in _live_job_ids(queue) if (event := event_of(id)) is not None}


def live_operations(queue: JobQueue) -> set[int]:
    """The same of bulk operations.

    Raises:
        RedisError: Redis does not say.
    """
    matches = (OPERATION_JOB_ID.match(id) for id in _live_job_ids(queue))
    return {int(match[1]) for match in matches if match}


def failed_jobs(queue: JobQueue) -> dict[int, list[str]]:
    """The ids of the jobs in the FailedJobRegistry, by the primary key of their event.

    Raises:
        RedisError: Redis does not say.
    """
    found: dict[int, list[str]] = defaultdict(list)
    for id in queue.queue.failed_job_registry.get_job_ids(cleanup=False):
        if (event := event_of(id)) is not None:
            found[event].append(id)
    return dict(found)


def remove_failed_jobs(queue: JobQueue, ids: list[str]) -> None:
    """Take these jobs out of the FailedJobRegistry, and delete them; unknown ones do not matter."""
    registry = queue.queue.failed_job_registry
    for id in ids:
        registry.remove(id)
        if (job := queue.queue.fetch_job(id)) is not None:
            _delete(queue, job)


def _delete(queue: JobQueue, job: Job) -> None:
    try:
        job.delete()
    except ValueError:
        # RQ trips over the record of an execution that Redis lost, or that died with its worker.
        Result.delete_all(job)
        queue.connection.delete(job.key, job.execution_registry.key)


def mirror_dead_event(queue: JobQueue, event_id: int, reason: str) -> None:
    """Give a dead event a job in the FailedJobRegistry, as if it had failed there a moment ago.

    The id is fixed, so that two that do this at once make one job.
    """
    job = queue.new_job(event_id, attempts=0, suffix="dead")
    job.origin = queue.queue.name
    with queue.connection.pipeline() as pipeline:
        job.set_status(JobStatus.FAILED, pipeline=pipeline)
        job.save(pipeline=pipeline)
        # The one way to a registry entry with its result, as RQ's own worker makes it.
        job._handle_failure(reason, pipeline=pipeline, worker_name="recovery")
        pipeline.execute()


def event_of(job_id: str) -> int | None:
    """The primary key in a job's id (or in "<job id>:<execution id>"); None for other jobs."""
    match = JOB_ID.match(job_id)
    return int(match[1]) if match else None


def _live_job_ids(queue: JobQueue) -> Iterator[str]:
    rq_queue = queue.queue
    # RQ's intermediate queue is left out: a job is there for a moment, or since its worker died.
    yield from rq_queue.get_job_ids()
    yield from rq_queue.scheduled_job_registry.get_job_ids(cleanup=False)
    # Jobs whose worker was heard of lately: the scores are when their lease ends, and an entry
    # stays for a while after its worker died.
    started = rq_queue.started_job_registry.key
    for member in queue.connection.zrangebyscore(started, time.time(), "+inf"):
        yield _text(member)


def _text(value: object) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)
