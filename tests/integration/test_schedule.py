"""rq-scheduler's registrations: anew at each start, and whenever Redis has lost or delayed them."""

from __future__ import annotations

import time

import redis

from jobs.schedule import PERIODIC, JSONJob, PeriodicScheduler, periodic
from payments.queueing import QUEUE_NAME


def scheduler(client: redis.Redis) -> PeriodicScheduler:
    return PeriodicScheduler(QUEUE_NAME, interval=5, connection=client, job_class=JSONJob)


def test_what_redis_lost_or_a_fast_clock_delayed_is_registered_again(redis_url: str) -> None:
    client = redis.Redis.from_url(redis_url)
    key, job = PeriodicScheduler.scheduled_jobs_key, PERIODIC[0]
    ours = scheduler(client)
    ours.register_birth()
    assert client.zscore(key, job.id) is not None
    client.flushall()
    ours.heartbeat()
    assert client.zscore(key, job.id) is not None
    client.zadd(key, {job.id: time.time() + 86400})
    ours.heartbeat()
    score = client.zscore(key, job.id)
    assert score is not None
    assert score < time.time() + 2 * job.seconds
    client.close()


def test_the_events_are_reconciled_as_often_as_it_is_configured(redis_url: str) -> None:
    client = redis.Redis.from_url(redis_url)
    ours = scheduler(client)
    ours.periodic = periodic(7)
    ours.register_birth()
    [job] = [it for it in ours.get_jobs() if it.id == "schedule-events"]
    assert (job.func_name, job.meta["interval"]) == ("jobs.reconcile.reconcile_events", 420)
    assert job.timeout == 1800
    client.close()


def test_each_start_registers_anew_what_an_older_version_left(redis_url: str) -> None:
    client = redis.Redis.from_url(redis_url)
    job = PERIODIC[0]
    scheduler(client).register_birth()
    client.hset(f"rq:job:{job.id}", "timeout", 7)
    scheduler(client).register_birth()
    assert client.hget(f"rq:job:{job.id}", "timeout") == str(job.timeout_seconds).encode()
    client.close()


def test_a_job_that_still_waits_is_not_pushed_again(redis_url: str) -> None:
    client = redis.Redis.from_url(redis_url)
    ours = scheduler(client)
    ours.register_birth()
    for _ in range(3):
        for job in ours.get_jobs():
            ours.enqueue_job(job)
    assert client.llen(f"rq:queue:{QUEUE_NAME}") == len(PERIODIC)
    client.close()
