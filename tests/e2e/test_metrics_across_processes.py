"""One page for all processes of a machine: sums that are exact, and that no death makes fall."""

from __future__ import annotations

import contextlib
import fcntl
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.deliveries import encode, stripe_event, stripe_headers
from tests.support.metrics import Page
from tests.support.service import ROOT, WEB, Service
from tests.support.waiting import eventually

DELIVERED = 40
PROCESSED = {"status": "processed", "event_type": "payment_intent.succeeded"}


@pytest.fixture
def service(tmp_path: Path, redis_url: str) -> Service:
    url = f"sqlite:///{tmp_path / 'payments.db'}"
    return Service(tmp_path, url, redis_url, WEB_CONCURRENCY="2")


@pytest.fixture
def running(service: Service) -> Iterator[Service]:
    with service.started(workers=2):
        yield service


def page_of(service: Service) -> Page:
    answer = service.request("GET", "/metrics")
    assert answer.status == 200
    return Page(answer.body.decode())


def deliver(service: Service, number: int) -> None:
    for _ in range(number):
        body = encode(stripe_event())
        assert service.request("POST", "/webhooks/stripe", body, stripe_headers(body)).status == 200


def processed(service: Service) -> float:
    return page_of(service).value("webhook_events_total", **PROCESSED)


def files(service: Service) -> list[str]:
    return sorted(it.name for it in (Path(service.environment["VAR_DIR"]) / "metrics").iterdir())


def test_sums_are_exact_over_all_processes_and_outlive_them(running: Service) -> None:
    deliver(running, DELIVERED)
    eventually(lambda: processed(running) == DELIVERED, "the workers' counts are on the page")
    page = page_of(running)
    assert page.value("webhook_events_total", status="received") == DELIVERED
    assert page.value("http_requests_total", endpoint="/webhooks/<provider>") == DELIVERED

    for name in ("worker.1", "worker.2"):
        running.restart(name)
    kill_one_web_process(running)
    deliver(running, 10)
    eventually(lambda: processed(running) == DELIVERED + 10, "dead workers' counts stay")
    page = page_of(running)
    assert page.value("webhook_events_total", status="received") == DELIVERED + 10
    alive = [it for it in files(running) if it.endswith(".alive")]
    assert len(alive) == 4, "two web processes and two workers, and none that is dead"
    assert page.value("payments_database_connections_in_use") == 0
    assert_the_command_says_the_same(running)

    with another_holds_the_files(running):
        page = page_of(running)
        assert page.value("webhook_events_total") == 0
        assert page.value("payments_dependency_up") == 2, "the rest is told all the same"
    assert processed(running) == DELIVERED + 10

    running.stop()
    running.start(WEB)
    running.wait_until_healthy()
    assert processed(running) == 0, "a service that was stopped as a whole begins anew"


def assert_the_command_says_the_same(service: Service) -> None:
    command = [sys.executable, "-m", "flask", "--app", "wsgi", "metrics"]
    printed = subprocess.run(
        command, cwd=ROOT, env=service.environment, capture_output=True, text=True, check=True
    )
    page = Page(printed.stdout)
    assert page.value("webhook_events_total", **PROCESSED) == DELIVERED + 10
    assert page.value("payments_dependency_up") == 2


@contextlib.contextmanager
def another_holds_the_files(service: Service) -> Iterator[None]:
    """As a process would that stands still while it reads them."""
    with (Path(service.environment["VAR_DIR"]) / "metrics" / "lock").open("r+") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def kill_one_web_process(service: Service) -> None:
    """gunicorn starts another in its place."""
    master = service.processes[WEB].pid
    children = Path(f"/proc/{master}/task/{master}/children").read_text().split()
    os.kill(int(children[0]), signal.SIGKILL)
    told = "was sent SIGKILL"
    eventually(lambda: told in service.log(WEB), "gunicorn notices")
    service.wait_until_healthy()


def test_without_a_place_for_the_files_the_service_serves_all_the_same(
    service: Service,
) -> None:
    var = Path(service.environment["VAR_DIR"])
    var.mkdir(parents=True)
    (var / "metrics").write_text("in the way")
    with service.started():
        deliver(service, 1)
        page_of(service)
        assert "metrics are not shared" in service.log(WEB)
