"""The database is the truth: whatever happened to Redis, what is due gets its job again."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from payments.attempts import MOST_DEATHS, Begun, Processor, begin
from payments.database import snapshot
from payments.extensions import settings
from payments.handlers import handles
from payments.recovery import Recovered, oldest_stranded_at, recover
from payments.registries import failed_jobs, live_events
from tests.support.application import Application, MakeApplication


def sweep(application: Application) -> Recovered:
    with application.app.app_context():
        return recover(application.queue, settings())


def make_due(application: Application) -> None:
    application.sql(
        "UPDATE events SET next_attempt_at = '2020-01-01 00:00:00.000000' "
        "WHERE next_attempt_at IS NOT NULL"
    )


def flush(application: Application) -> None:
    application.queue.connection.flushall()


def handle_everything() -> list[Any]:
    handled: list[Any] = []

    @handles("stripe", "*")
    def note(event: Any, *_: Any) -> None:
        handled.append(event.event_id)

    return handled


def fail_everything() -> None:
    @handles("stripe", "*")
    def broken(*_: Any) -> None:
        raise ConnectionError("away")


def test_an_event_whose_job_redis_lost_is_enqueued_again(application: Application) -> None:
    handled = handle_everything()
    for _ in range(3):
        application.deliver()
    flush(application)
    make_due(application)
    assert sweep(application).enqueued == 3
    application.work()
    assert {event["status"] for event in application.events()} == {"processed"}
    assert len(handled) == 3


def test_what_waits_in_the_queue_is_left_alone(application: Application) -> None:
    application.deliver()
    make_due(application)
    assert sweep(application) == Recovered()
    assert application.queue.queue.count == 1


def test_what_is_not_due_yet_is_left_alone(application: Application) -> None:
    application.deliver()
    flush(application)
    assert sweep(application) == Recovered()


def test_a_retry_that_waits_in_redis_is_left_alone_and_a_lost_one_is_enqueued(
    make_application: MakeApplication,
) -> None:
    application = make_application(RETRY_BASE_SECONDS="900", RETRY_CAP_SECONDS="900")
    fail_everything()
    application.deliver()
    application.work()
    make_due(application)
    assert sweep(application).enqueued == 0
    flush(application)
    assert sweep(application).enqueued == 1


def test_an_event_is_not_enqueued_by_two_sweeps_that_run_at_once(
    application: Application,
) -> None:
    for _ in range(20):
        application.deliver()
    flush(application)
    make_due(application)
    start = threading.Barrier(3)
    enqueued: list[int] = []

    def run() -> None:
        start.wait()
        enqueued.append(sweep(application).enqueued)

    threads = [threading.Thread(target=run) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(enqueued) == 20
    assert application.queue.queue.count == 20


def test_more_events_than_one_batch_are_all_found(
    application: Application, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("payments.recovery.BATCH", 3)
    for _ in range(10):
        application.deliver()
    flush(application)
    make_due(application)
    application.deliver()
    assert sweep(application).enqueued == 10
    with application.app.app_context():
        assert len(live_events(application.queue)) == 11


def test_a_dead_letter_whose_failed_job_redis_lost_gets_one_again_and_only_one(
    make_application: MakeApplication,
) -> None:
    application = make_application(RETRY_MAX_ATTEMPTS="1")
    fail_everything()
    application.deliver()
    application.work()
    [event] = application.events()
    flush(application)
    assert sweep(application).mirrored == 1
    assert sweep(application) == Recovered()
    [job_id] = application.failed_jobs()
    job = application.queue.queue.fetch_job(job_id)
    assert job is not None
    result = job.latest_result()
    assert result is not None
    assert result.exc_string == "ConnectionError: away"
    assert job.args == [event["id"]]


def test_a_failed_job_whose_event_is_not_dead_is_removed(
    make_application: MakeApplication,
) -> None:
    application = make_application(RETRY_MAX_ATTEMPTS="1")
    fail_everything()
    application.deliver()
    application.deliver()
    application.work()
    assert len(application.failed_jobs()) == 2
    application.sql("UPDATE events SET status = 'processed' WHERE id = 1")
    assert sweep(application).removed == 1
    with application.app.app_context():
        assert list(failed_jobs(application.queue)) == [2]


def test_with_dlq_backend_db_failed_jobs_are_not_kept(make_application: MakeApplication) -> None:
    application = make_application(RETRY_MAX_ATTEMPTS="1")
    fail_everything()
    application.deliver()
    application.work()
    other = make_application(RETRY_MAX_ATTEMPTS="1", DLQ_BACKEND="db")
    assert sweep(other).removed == 1
    assert sweep(other) == Recovered()
    assert [event["status"] for event in application.events()] == ["dead"]


def test_the_age_of_the_oldest_stranded_event_is_known(application: Application) -> None:
    def oldest() -> Any:
        with application.app.app_context(), snapshot() as session:
            return oldest_stranded_at(session, application.queue)

    application.deliver()
    make_due(application)
    assert oldest() is None
    flush(application)
    [event] = application.events()
    assert oldest().isoformat().replace("+00:00", "Z") == event["received_at"]
    sweep(application)
    assert oldest() is None


class Deaths:
    """Begins attempts as a worker does that dies before it ends them."""

    def __init__(self, application: Application) -> None:
        self.application = application

    def begin(self, id: int) -> Any:
        self.application.sql(
            "UPDATE attempts SET started_at = :long_ago WHERE outcome IS NULL",
            long_ago="2020-01-01 00:00:00.000000",
        )
        with self.application.app.app_context():
            begun = begin(id, Processor.of(settings(), "worker-that-dies"))
            return begun.number if isinstance(begun, Begun) else begun


def test_an_attempt_that_died_counts_and_says_so(application: Application) -> None:
    handled = handle_everything()
    application.deliver()
    [event] = application.events()
    assert Deaths(application).begin(event["id"]) == 1
    application.sql("UPDATE attempts SET started_at = '2020-01-01 00:00:00.000000'")
    application.work()
    shown = application.event(event["id"])
    assert (shown["status"], shown["attempts"], len(handled)) == ("processed", 2, 1)
    first, second = shown["history"]
    assert (first["outcome"], first["error_type"]) == ("died", "ProcessDied")
    assert second["outcome"] == "processed"


def test_an_event_that_kills_three_workers_running_is_dead_and_named(
    application: Application,
) -> None:
    application.deliver()
    [event] = application.events()
    deaths = Deaths(application)
    assert [deaths.begin(event["id"]) for _ in range(MOST_DEATHS)] == [1, 2, 3]
    outcome = deaths.begin(event["id"])
    assert outcome.status == "dead"
    shown = application.event(event["id"])
    assert shown["status"] == "dead"
    assert shown["last_error"].startswith("KillsItsWorker")
    assert [attempt["outcome"] for attempt in shown["history"]] == ["died"] * 3
    application.work()
    assert sweep(application).mirrored == 1


def test_deaths_that_are_not_in_a_row_do_not_condemn(application: Application) -> None:
    application.deliver()
    [event] = application.events()
    deaths = Deaths(application)
    deaths.begin(event["id"])
    deaths.begin(event["id"])
    application.sql("UPDATE attempts SET outcome = 'failed' WHERE number = 2")
    assert [deaths.begin(event["id"]) for _ in range(2)] == [3, 4]
    assert application.event(event["id"])["status"] == "processing"


def test_a_budget_that_ends_with_a_death_ends_the_event(
    make_application: MakeApplication,
) -> None:
    application = make_application(RETRY_MAX_ATTEMPTS="1")
    application.deliver()
    [event] = application.events()
    deaths = Deaths(application)
    deaths.begin(event["id"])
    assert deaths.begin(event["id"]).status == "dead"
    assert application.event(event["id"])["last_error"].startswith("ProcessDied")


def test_a_second_job_does_not_disturb_an_attempt_that_has_just_begun(
    application: Application,
) -> None:
    handled = handle_everything()
    application.deliver()
    [event] = application.events()
    with application.app.app_context():
        begun = begin(event["id"], Processor.of(settings(), "another-worker"))
        assert isinstance(begun, Begun)
        assert begun.number == 1
    application.work()
    assert handled == []
    assert len(application.event(event["id"])["history"]) == 1


def test_a_failed_job_whose_execution_redis_lost_is_removed_all_the_same(
    make_application: MakeApplication,
) -> None:
    application = make_application(RETRY_MAX_ATTEMPTS="1")
    fail_everything()
    application.deliver()
    application.work()
    [job_id] = application.failed_jobs()
    connection = application.queue.connection
    connection.zadd(f"rq:executions:{job_id}", {"an-execution-that-is-gone": 2e10})
    application.sql("UPDATE events SET status = 'discarded'")
    assert sweep(application).removed == 1
    assert application.failed_jobs() == []
    assert not connection.exists(f"rq:job:{job_id}")
