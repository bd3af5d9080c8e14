"""What somebody with a foothold in Redis would leave there for the operator's browser."""

from __future__ import annotations

from redis import Redis
from rq import Queue, Worker
from rq.job import Job
from rq.registry import FailedJobRegistry
from rq.results import Result
from rq.serializers import JSONSerializer

from payments.queueing import queue_of

# Each of them runs in a page that does not escape it.
SCRIPTS = (
    "<script>window.ran = 1</script>",
    "<img src=x onerror='window.ran = 1'>",
    "\"'><svg onload=window.ran=1>",
    "</script></pre></title><script>window.ran = 1</script>",
)
SCRIPT = "".join(SCRIPTS)
JOB_ID = "event-1-hostile"


def leave_hostile_job(connection: Redis) -> None:
    """A failed job that is also queued, a queue and a worker: with script in every field."""
    queue = queue_of(connection)
    job = Job.create(
        SCRIPT,
        args=[SCRIPT, {SCRIPT: SCRIPT}],
        kwargs={SCRIPT: SCRIPT},
        id=JOB_ID,
        description=SCRIPT,
        meta={SCRIPT: SCRIPT},
        connection=connection,
        origin=queue.name,
        serializer=JSONSerializer,
    )
    job.save()
    queue.push_job_id(JOB_ID)
    FailedJobRegistry(queue=queue).add(job, ttl=3600, exc_string=SCRIPT)
    kind = Result.Type.FAILED
    Result.create(job, kind, 3600, return_value=[SCRIPT], exc_string=SCRIPT, worker_name=SCRIPT)
    connection.sadd(Queue.redis_queues_keys, f"{Queue.redis_queue_namespace_prefix}{SCRIPT}")
    worker = f"{Worker.redis_worker_namespace_prefix}{SCRIPT}"
    fields = ("birth", "state", "queues", "hostname", "ip_address", "version", "python_version")
    connection.hset(
        worker, mapping=dict.fromkeys(fields, SCRIPT) | {"birth": "2026-01-02T03:04:05Z"}
    )
    connection.sadd(Worker.redis_workers_keys, worker)
