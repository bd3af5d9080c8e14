"""A database that goes away in the middle of an attempt: the event is not taken for a killer."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from payments.attempts import MOST_DEATHS
from payments.handlers import handles
from tests.conftest import migrate
from tests.faults.postgresql import PostgreSQL
from tests.support.application import Application, MakeApplication
from tests.support.jobs import BurstWorker


@pytest.fixture
def server() -> Iterator[PostgreSQL]:
    postgresql = PostgreSQL()
    postgresql.create()
    yield postgresql
    postgresql.close()


@pytest.fixture
def database_url(server: PostgreSQL, tmp_path: Path) -> str:
    migrate(server.url, tmp_path / "migrated")
    return server.url


def break_it_in_each_attempt(server: PostgreSQL, times: int) -> list[str]:
    calls: list[str] = []

    @handles("stripe", "*")
    def handler(event: Any, session: Any, effects: Any) -> None:
        calls.append(event.event_id)
        if len(calls) <= times:
            server.immediate_stop()

    return calls


def is_due(application: Application) -> None:
    """As if the lease of the attempt that was begun had ended."""
    application.sql("UPDATE events SET next_attempt_at = '2020-01-01'")
    application.sql("UPDATE attempts SET started_at = '2020-01-01' WHERE outcome IS NULL")


def test_only_deaths_count_as_deaths(make_application: MakeApplication, server: PostgreSQL) -> None:
    application = make_application()
    calls = break_it_in_each_attempt(server, MOST_DEATHS)
    application.deliver()
    for _ in range(MOST_DEATHS):
        with application.app.app_context():
            one_job(application)
        server.start()
        is_due(application)
    application.queue.enqueue_event(1)
    application.work()
    [listed] = application.events()
    event = application.event(listed["id"])
    assert event["status"] == "processed"
    assert [it["outcome"] for it in event["history"]] == ["failed"] * MOST_DEATHS + ["processed"]
    assert {it["error_type"] for it in event["history"][:-1]} == {"OperationalError"}
    assert len(calls) == MOST_DEATHS + 1


def one_job(application: Application) -> None:
    """What a worker does with one job of the event, whatever comes of it."""
    queue = application.queue
    queue.enqueue_event(1)
    BurstWorker.on(queue.queue).work(burst=True, max_jobs=1)
    queue.queue.empty()
    for id in queue.queue.scheduled_job_registry.get_job_ids():
        queue.queue.scheduled_job_registry.remove(id)
