"""The worker as a process: killed, stuck, overrun, grown, asked to stop, and left by its Redis."""

from __future__ import annotations

import json
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.deliveries import ADMIN_TOKEN, encode, stripe_event, stripe_headers
from tests.support.servers import Valkey, free_port
from tests.support.service import Service
from tests.support.waiting import eventually

SEND_AGAIN_SECONDS = 3

pytestmark = pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)


@pytest.fixture
def valkey() -> Iterator[Valkey]:
    server = Valkey(port=free_port())
    server.start()
    yield server
    server.close()


@pytest.fixture
def service(
    tmp_path: Path, database_url: str, valkey: Valkey, request: pytest.FixtureRequest
) -> Iterator[Service]:
    variables = {
        "PAYMENTS_HANDLERS": "tests.e2e.workers_handlers",
        "JOB_TIMEOUT_SECONDS": "2",
        **getattr(request, "param", {}),
    }
    with Service(tmp_path, database_url, valkey.url, **variables).started(workers=1) as service:
        yield service


def send(service: Service, event_type: str) -> str:
    event = stripe_event(event_type)
    body = encode(event)
    answer = service.request("POST", "/webhooks/stripe", body, stripe_headers(body))
    assert answer.status == 200, answer.body
    return str(event["id"])


def event_of(service: Service, event_id: str) -> dict[str, Any]:
    headers = {"Authorization": f"Bearer {ADMIN_TOKEN}"}
    [listed] = json.loads(
        service.request("GET", f"/admin/events?event_id={event_id}", headers=headers).body
    )
    shown = service.request("GET", f"/admin/events/{listed['id']}", headers=headers).body
    event: dict[str, Any] = json.loads(shown)
    return event


def noted(service: Service, name: str) -> list[str]:
    file = Path(service.environment["VAR_DIR"]) / name
    return file.read_text().split() if file.exists() else []


def is_status(service: Service, event_id: str, status: str) -> Callable[[], bool]:
    return lambda: event_of(service, event_id)["status"] == status


def ended(service: Service, name: str = "worker.1") -> Callable[[], bool]:
    return lambda: not service.is_running(name)


@pytest.mark.timeout(240)
def test_an_event_that_kills_its_worker_is_dead_after_three_deaths_and_the_others_live(
    service: Service, valkey: Valkey
) -> None:
    poison = send(service, "kills.its.worker")
    for deaths in (1, 2, 3):
        eventually(ended(service), f"death {deaths}")
        # As if a minute had passed: what RQ and recovery wait for is that the dead are silent.
        valkey.client.delete("rq:wip:payments", "rq:started:payments")
        make_due(service)
        service.start("worker.1")
    good = send(service, "good")
    eventually(is_status(service, good, "processed"), "the others are processed")
    eventually(is_status(service, poison, "dead"), "the poison is dead")
    event = event_of(service, poison)
    assert event["last_error"].startswith("KillsItsWorker")
    assert [attempt["outcome"] for attempt in event["history"]] == ["died"] * 3
    assert noted(service, "killed") == [poison] * 3
    assert service.is_running("worker.1")


def make_due(service: Service) -> None:
    from sqlalchemy import create_engine, text

    url = service.environment["DATABASE_URL"].replace("postgresql://", "postgresql+psycopg://")
    engine = create_engine(url)
    with engine.begin() as connection:
        connection.execute(text("UPDATE events SET next_attempt_at = '2020-01-01'"))
        connection.execute(text("UPDATE attempts SET started_at = '2020-01-01'"))
    engine.dispose()


def test_a_handler_that_overruns_its_time_is_interrupted_and_counts_as_a_timeout(
    service: Service,
) -> None:
    slow = send(service, "overruns")
    eventually(lambda: event_of(service, slow)["status"] == "retrying", "it is interrupted")
    event = event_of(service, slow)
    assert event["history"][0]["outcome"] == "timeout"
    assert event["history"][0]["error_type"] == "JobTimeoutException"
    assert service.is_running("worker.1")


def test_a_handler_stuck_in_c_is_ended_by_the_watchdog(service: Service) -> None:
    send(service, "stuck.in.c")
    eventually(lambda: noted(service, "stuck"), "it is stuck")
    eventually(ended(service), "the watchdog ends the process", 30)
    assert "stuck_in_c" in service.log("worker.1")


def test_a_worker_that_stands_still_for_ever_does_not_keep_its_event(
    service: Service, valkey: Valkey
) -> None:
    event_id = send(service, "freezes")
    eventually(lambda: noted(service, "called"), "the first worker has stopped")
    valkey.client.delete("rq:wip:payments", "rq:started:payments")
    make_due(service)
    service.start("worker.2")
    eventually(is_status(service, event_id, "processed"), "another one processes it", 90)
    before = event_of(service, event_id)["history"]
    service.send("worker.1", signal.SIGCONT)
    # Its time limit or its watchdog is over at once. It may go on with other events, or end.
    service.terminate("worker.2")
    good = send(service, "good")
    eventually(
        lambda: is_status(service, good, "processed")() or ended(service)(), "it does something"
    )
    event = event_of(service, event_id)
    assert event["status"] == "processed"
    assert event["history"] == before
    assert [it["outcome"] for it in before].count("processed") == 1


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
@pytest.mark.parametrize("service", [{"JOB_TIMEOUT_SECONDS": "60"}], indirect=True)
def test_a_worker_that_is_asked_to_stop_finishes_its_job_first(
    service: Service, number: signal.Signals
) -> None:
    long = send(service, "takes.a.while")
    eventually(lambda: noted(service, "began"), "the job runs")
    service.send("worker.1", number)
    eventually(ended(service), "the worker stops")
    assert noted(service, "ended") == [long]
    assert event_of(service, long)["status"] == "processed"
    assert service.processes["worker.1"].returncode == 0


@pytest.mark.parametrize("service", [{"WORKER_MAX_JOBS": "2"}], indirect=True)
def test_a_worker_is_recycled_after_so_many_jobs(service: Service) -> None:
    first, second = send(service, "good"), send(service, "good")
    eventually(ended(service), "it retires")
    assert sorted(noted(service, "good")) == sorted([first, second])


@pytest.mark.parametrize("service", [{"WORKER_MAX_MEMORY_MB": "200"}], indirect=True)
def test_a_worker_that_has_grown_retires_after_its_job(service: Service) -> None:
    large = send(service, "grows")
    eventually(ended(service), "it retires")
    assert event_of(service, large)["status"] == "processed"
    assert "worker retires" in service.log("worker.1")


@pytest.mark.timeout(360)
def test_a_worker_whose_redis_goes_away_and_returns_works_on(
    service: Service, valkey: Valkey
) -> None:
    first = send(service, "good")
    eventually(is_status(service, first, "processed"), "it works")
    valkey.kill()
    lost = send(service, "good")
    valkey.start()

    # A web process leaves a Redis that has failed alone for a moment; what it keeps meanwhile is
    # left to recovery, which nobody runs here. So one is sent every few seconds.
    later: dict[str, float] = {}

    def works_again() -> bool:
        # A process manager would start it again, should it have ended.
        if not service.is_running("worker.1"):
            service.start("worker.1")
        if not later or time.monotonic() - max(later.values()) > SEND_AGAIN_SECONDS:
            later[send(service, "good")] = time.monotonic()
        return not later.keys().isdisjoint(noted(service, "good"))

    eventually(works_again, "it works again", 120)
    make_due(service)
    if service.is_running("worker.1"):
        service.restart("worker.1")
    eventually(is_status(service, lost, "processed"), "what was received meanwhile", 90)
