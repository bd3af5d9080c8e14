"""A duplicate of an event that waits for its next attempt brings it forward; a burst, once.

See docs/adr/0005-duplicates-of-waiting-events.md.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from payments.handlers import handles
from tests.support.application import Application, MakeApplication
from tests.support.deliveries import stripe_event
from tests.support.waiting import eventually

PATIENT = {"RETRY_BASE_SECONDS": "3000", "RETRY_CAP_SECONDS": "3000", "RETRY_MAX_ATTEMPTS": "5"}
LONG_AGO = "2020-01-01 00:00:00.000000"


@pytest.fixture
def application(make_application: MakeApplication) -> Application:
    """One whose events wait for the better part of an hour after a failure."""
    return make_application(**PATIENT)


def failing(times: int) -> list[str]:
    """Registers a handler that fails so often; the ids of the events with which it was called."""
    calls: list[str] = []

    @handles("stripe", "*")
    def handler(event: Any, session: Any, effects: Any) -> None:
        calls.append(event.event_id)
        if len(calls) <= times:
            raise RuntimeError("not yet")

    return calls


def only_event(application: Application) -> dict[str, Any]:
    [listed] = application.events()
    return listed


def let_the_last_attempt_be_long_ago(application: Application) -> None:
    application.sql("UPDATE attempts SET finished_at = :then", then=LONG_AGO)


def works_until(application: Application, condition: Callable[[], bool], what: str) -> None:
    def done() -> bool:
        application.work()
        return condition()

    eventually(done, what)


def test_one_duplicate_is_attempted_now_and_not_in_an_hour(application: Application) -> None:
    calls = failing(1)
    event = stripe_event()
    application.deliver(event)
    application.work()
    assert only_event(application)["status"] == "retrying"
    let_the_last_attempt_be_long_ago(application)
    assert application.deliver(event).get_json()["message"] == "duplicate ignored"
    application.work()
    assert only_event(application)["status"] == "processed"
    assert len(calls) == 2


def test_right_after_a_failure_it_is_attempted_within_seconds(application: Application) -> None:
    calls = failing(1)
    event = stripe_event()
    application.deliver(event)
    application.work()
    application.deliver(event)
    application.work()
    assert len(calls) == 1
    works_until(
        application,
        lambda: only_event(application)["status"] == "processed",
        "the attempt that the duplicate brought forward",
    )
    assert len(calls) == 2


def test_fifty_duplicates_at_once_cost_one_attempt(application: Application) -> None:
    calls = failing(1000)
    event = stripe_event()
    application.deliver(event)
    application.work()
    let_the_last_attempt_be_long_ago(application)
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: application.deliver(event).status_code, range(50)))
    assert set(answers) == {200}
    application.work()
    assert len(calls) == 2
    shown = only_event(application)
    assert (shown["status"], shown["attempts"]) == ("retrying", 2)


def test_a_burst_before_the_first_attempt_costs_one_attempt(application: Application) -> None:
    calls = failing(1000)
    event = stripe_event()
    for _ in range(20):
        application.deliver(event)
    application.work()
    assert len(calls) == 1
    assert only_event(application)["status"] == "retrying"


def test_jobs_that_came_early_leave_one_that_waits(application: Application) -> None:
    failing(1000)
    event = stripe_event()
    for _ in range(5):
        application.deliver(event)
    application.work()
    with application.app.app_context():
        registry = application.queue.queue.scheduled_job_registry
        # The failed job's own retry, and one for all that came early.
        assert len(registry.get_job_ids(cleanup=False)) == 2


def test_an_operators_retry_does_not_wait(application: Application) -> None:
    calls = failing(5)
    event = stripe_event()
    application.deliver(event)
    for _ in range(5):
        let_the_last_attempt_be_long_ago(application)
        application.deliver(event)
        application.work()
    assert only_event(application)["status"] == "dead"
    result = application.cli("dlq", "retry", str(only_event(application)["id"]))
    assert result.exit_code == 0, result.output
    application.work()
    assert only_event(application)["status"] == "processed"
    assert len(calls) == 6
