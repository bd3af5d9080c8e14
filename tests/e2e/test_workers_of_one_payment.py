"""Two worker processes do events of one payment at the same moment: it is what one would make."""

from __future__ import annotations

import contextlib
import signal
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from rq import Worker

from tests.support.application import Application, MakeApplication
from tests.support.intents import chain
from tests.support.ledgers import accounts, deliver_all, ledger_of
from tests.support.service import Service
from tests.support.waiting import eventually

WORKERS = ("worker.1", "worker.2")
ROUNDS = ("one", "two")


@contextlib.contextmanager
def two_workers(service: Application, processes: Service) -> Iterator[None]:
    """Both wait for jobs."""
    try:
        for name in WORKERS:
            processes.start(name)
        with service.app.app_context():
            connection = service.queue.connection
        eventually(lambda: Worker.count(connection) == len(WORKERS), "both workers are there")
        yield
    finally:
        processes.stop()


def at_once(service: Application, processes: Service, events: Sequence[Any], account: str) -> None:
    """All events wait before one of the workers may look, so that both take from the first on."""
    for name in WORKERS:
        processes.send(name, signal.SIGSTOP)
    try:
        deliver_all(service, "stripe", events, account)
    finally:
        for name in WORKERS:
            processes.send(name, signal.SIGCONT)
    eventually(
        lambda: {it["status"] for it in service.events(account=account)} == {"processed"},
        "all are processed",
        seconds=60,
    )


def overlaps(service: Application) -> int:
    """How often an attempt of one worker began while one of the other went on."""
    [(number,)] = service.sql(
        "SELECT count(*) FROM attempts a JOIN attempts b ON a.worker <> b.worker "
        "AND b.started_at > a.started_at AND b.started_at < a.finished_at"
    )
    return int(number)


def test_two_worker_processes_that_meet_in_one_payment(
    make_application: MakeApplication, database_url: str, redis_url: str, tmp_path: Path
) -> None:
    variables = accounts(ROUNDS)
    service = make_application(**variables, LOG_LEVEL="ERROR")
    processes = Service(tmp_path, database_url, redis_url, **variables)
    with two_workers(service, processes):
        for account in ROUNDS:
            events = chain(length=12, name=account)
            # Each refund is first a payment of its own; each charge then joins one to the rest.
            at_once(service, processes, [*events[1::2], *events[::2]], account)
    for account in ROUNDS:
        [payment] = ledger_of(service, account)
        assert payment["payment_id"] == f"pi_{account}"
        assert (payment["amount_captured"], payment["amount_refunded"]) == (12_000, 120)
    did = service.sql("SELECT worker, count(*) FROM attempts GROUP BY worker")
    assert len(did) == len(WORKERS)
    assert sum(number for _, number in did) == len(ROUNDS) * 24, "one attempt each"
    # SQLite has one writer: there, one worker begins when the other has committed.
    if database_url.startswith("postgresql"):
        assert overlaps(service) > 0
