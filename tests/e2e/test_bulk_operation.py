"""An outage and its end with real processes: a group is retried while its worker is killed."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from tests.e2e.shop_handlers import BROKEN
from tests.support.databases import connected
from tests.support.deliveries import encode, stripe_event, stripe_headers
from tests.support.service import ROOT, Service
from tests.support.waiting import eventually

EVENTS = 150


@pytest.fixture
def service(tmp_path: Path, database_url: str, redis_url: str) -> Iterator[Service]:
    variables = {"PAYMENTS_HANDLERS": "tests.e2e.shop_handlers", "RETRY_MAX_ATTEMPTS": "2"}
    with Service(tmp_path, database_url, redis_url, **variables).started(workers=2) as service:
        yield service


def flask(service: Service, *arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "flask", "--app", "wsgi", *arguments],
        cwd=ROOT,
        env=service.environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def ask(service: Service, *arguments: str) -> Any:
    process = flask(service, *arguments, "--json")
    out, error = process.communicate(timeout=60)
    assert process.returncode == 0, error
    return json.loads(out)


def counted(service: Service, statement: str) -> int:
    """For waiting: each command is a process, and too slow to be asked all the time."""
    with connected(service.environment["DATABASE_URL"]) as engine, engine.connect() as connection:
        return int(connection.execute(text(statement)).scalar_one())


def as_if_minutes_had_passed(service: Service) -> None:
    """For what waits until a dead worker is silent for long enough."""
    with connected(service.environment["DATABASE_URL"]) as engine, engine.begin() as connection:
        for statement in (
            "UPDATE events SET next_attempt_at = '2020-01-01 00:00:00.000000'"
            " WHERE next_attempt_at IS NOT NULL",
            "UPDATE attempts SET started_at = '2020-01-01 00:00:00.000000' WHERE outcome IS NULL",
            "UPDATE bulk_operations SET next_look_at = '2020-01-01 00:00:00.000000'"
            " WHERE next_look_at IS NOT NULL",
        ):
            connection.execute(text(statement))


@pytest.mark.timeout(240)
def test_a_group_is_retried_to_its_end_although_the_workers_are_killed_and_redis_forgets(
    service: Service, redis_url: str
) -> None:
    import redis

    folder = Path(service.environment["VAR_DIR"])
    (folder / BROKEN).touch()
    for number in range(EVENTS):
        body = encode(stripe_event(("charge.refunded", "payout.failed")[number % 2]))
        assert service.request("POST", "/webhooks/stripe", body, stripe_headers(body)).status == 200

    def dead() -> int:
        groups = ask(service, "dlq", "groups")["groups"]
        assert len(groups) <= 1
        return sum(group["dead"] for group in groups)

    eventually(
        lambda: counted(service, "SELECT count(*) FROM events WHERE status = 'dead'") == EVENTS,
        "all are dead",
        60,
    )
    assert dead() == EVENTS
    (folder / BROKEN).unlink()
    command = flask(
        service, "dlq", "retry", "--group", "1", "--yes", "--reason", "the warehouse is back"
    )

    eventually(
        lambda: counted(service, "SELECT count(*) FROM bulk_operations WHERE done >= 5"),
        "the probe has succeeded",
        60,
    )
    service.kill("worker.1")
    service.kill("worker.2")
    with redis.Redis.from_url(redis_url) as client:
        client.flushall()
    as_if_minutes_had_passed(service)
    # Recovery, which a worker calls at its start, finds all that was in the middle of something.
    for name in ("worker.1", "worker.2"):
        service.start(name)
    eventually(
        lambda: counted(service, "SELECT count(*) FROM bulk_operations WHERE state = 'finished'"),
        "it is finished",
        120,
    )
    [operation] = ask(service, "bulk", "list")
    assert (operation["state"], operation["done"]) == ("finished", EVENTS)
    out, error = command.communicate(timeout=30)
    assert command.returncode == 0, (out, error)
    assert f"is finished: {EVENTS} done, 0 failed, 0 skipped" in out
    assert dead() == 0
    fulfilled = (folder / "fulfilled").read_text().split()
    # An effect may be done once more where its process dies between doing and noting it.
    assert len(set(fulfilled)) == EVENTS
    assert len(fulfilled) <= EVENTS + 2
