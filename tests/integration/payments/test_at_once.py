"""All events of one payment at the same moment, by several workers: nothing is lost or fails."""

from __future__ import annotations

import random
import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from payments.attempts import Processor
from payments.extensions import settings
from payments.handlers import handles
from payments.processing import process
from payments.projection.reading import is_read
from tests.support.application import Application, MakeApplication
from tests.support.intents import chain, intent_event, refund_event
from tests.support.ledgers import accounts, deliver_all, ledger_of, payments_of, recorded_events
from tests.support.lifecycles import Lifecycle, lifecycles
from tests.support.waiting import eventually

ROUNDS = ("one", "two", "three", "four")
WORKERS = 4


@pytest.fixture
def service(make_application: MakeApplication) -> Application:
    return make_application(**accounts(ROUNDS), LOG_LEVEL="INFO")


def process_at_once(service: Application, ids: Sequence[int]) -> None:
    """Attempts at all of them by as many threads as there are workers, each group at one moment."""
    together = threading.Barrier(WORKERS)

    def attempt(id: int) -> None:
        together.wait(10)
        with service.app.app_context():
            outcome = process(id, Processor.of(settings(), "a worker"))
        assert not outcome.failed, outcome.error

    with ThreadPoolExecutor(WORKERS) as pool:
        whole = len(ids) // WORKERS * WORKERS
        list(pool.map(attempt, ids[:whole]))
    for id in ids[whole:]:
        with service.app.app_context():
            assert not process(id, Processor.of(settings(), "a worker")).failed


def events_of(service: Application, account: str) -> list[dict[str, Any]]:
    return service.events(account=account, limit=500)


def check_one_attempt_each(service: Application, account: str) -> None:
    for event in events_of(service, account):
        assert (event["status"] in ("processed", "ignored"), event["attempts"]) == (True, 1), event


def with_refunds_and_disputes(provider: str) -> list[Lifecycle]:
    """Those with the most objects: whose rows are made apart, and then become one."""
    lives = sorted(lifecycles(provider, seed=5), key=lambda life: len(life.events))
    return lives[-8:]


@pytest.mark.parametrize("provider", ["stripe", "paypal"])
def test_workers_that_meet_in_one_payment_make_what_one_worker_makes(
    service: Application, provider: str
) -> None:
    lives = with_refunds_and_disputes(provider)
    events = [event for life in lives for event in life.events]
    deliver_all(service, provider, events, "default")
    service.work()
    alone = ledger_of(service)
    for seed, account in enumerate(ROUNDS):
        deliver_all(service, provider, events, account)
        ids = {event["event_id"]: event["id"] for event in events_of(service, account)}
        order = random.Random(seed)
        for life in lives:
            process_at_once(
                service, [ids[event["id"]] for event in order.sample(life.events, len(life.events))]
            )
        assert ledger_of(service, account) == alone
        check_one_attempt_each(service, account)


def told_by_each_worker(events: Sequence[Any], provider: str) -> list[Any]:
    """Those about a payment, each under as many ids as there are workers, one after the other."""
    type_of = {"stripe": "type", "paypal": "event_type"}[provider]
    about_payments = [it for it in events if is_read(provider, it[type_of])]
    return [
        {**event, "id": f"{event['id']}-{number}"}
        for event in about_payments
        for number in range(WORKERS)
    ]


@pytest.mark.parametrize("provider", ["stripe", "paypal"])
def test_recorded_events_at_the_same_moment_make_what_one_worker_makes(
    service: Application, vectors: Path, provider: str
) -> None:
    """All workers have the same to say, of payments that nobody knows yet."""
    events = told_by_each_worker(recorded_events(vectors, provider), provider)
    deliver_all(service, provider, events, "default")
    service.work()
    alone = ledger_of(service)
    assert alone
    for account, step in zip(ROUNDS[:2], (1, -1), strict=True):
        deliver_all(service, provider, events, account)
        ids = sorted(event["id"] for event in events_of(service, account))
        process_at_once(service, ids[::step])
        assert ledger_of(service, account) == alone
        check_one_attempt_each(service, account)


def test_payments_that_become_one_while_others_write_to_them(service: Application) -> None:
    """Each refund is first a payment of its own; each charge then joins one to the rest."""
    for number, account in enumerate(ROUNDS):
        events = chain(length=10, name=f"x{number}")
        refunds_first = [*events[1::2], *events[::2]]
        deliver_all(service, "stripe", refunds_first, account)
        ids = [event["id"] for event in reversed(events_of(service, account))]
        process_at_once(service, ids[:8])
        process_at_once(service, random.Random(number).sample(ids[8:], len(ids) - 8))
        [payment] = ledger_of(service, account)
        assert payment["payment_id"] == f"pi_x{number}"
        assert (payment["amount_captured"], payment["amount_refunded"]) == (10_000, 100)
        check_one_attempt_each(service, account)
    assert (
        service.sql(
            "SELECT id FROM payment_groups WHERE id NOT IN (SELECT payment_id FROM payment_changes)"
        )
        == []
    )


def test_refunds_of_different_charges_of_one_payment(service: Application) -> None:
    """They name no object in common; what they share is only known to the ledger."""
    for number, account in enumerate(ROUNDS):
        events = chain(length=12, name=f"y{number}")
        deliver_all(service, "stripe", events[::2], account)
        service.work()
        deliver_all(service, "stripe", events[1::2], account)
        refunds = [event["id"] for event in events_of(service, account)][:12]
        process_at_once(service, refunds)
        [payment] = ledger_of(service, account)
        assert (payment["amount_captured"], payment["amount_refunded"]) == (12_000, 120)
        check_one_attempt_each(service, account)


class Meeting:
    """One attempt stands still while it holds its payment; others are then begun."""

    def __init__(self, service: Application) -> None:
        self.service = service
        self._inside, self._go_on = threading.Event(), threading.Event()

    def stand_still(self, *_: object) -> None:
        """A handler."""
        self._inside.set()
        assert self._go_on.wait(20)

    def attempt(self, id: int) -> str:
        with self.service.app.app_context():
            return process(id, Processor.of(settings(), "a worker")).status

    def hold(self, standing: int, waiting: int, free: int | None = None) -> None:
        """`waiting` waits for the one that stands still, while `free`, if any, is processed."""
        with ThreadPoolExecutor(2) as pool:
            first = pool.submit(self.attempt, standing)
            assert self._inside.wait(20)
            second = pool.submit(self.attempt, waiting)
            eventually(self._somebody_waits, "an attempt waits for a lock")
            assert free is None or self.attempt(free) == "processed"
            assert not second.done()
            self._go_on.set()
            assert (first.result(20), second.result(20)) == ("processed", "processed")

    def _somebody_waits(self) -> bool:
        return bool(self.service.sql("SELECT pid FROM pg_locks WHERE NOT granted"))


@pytest.fixture
def meeting(service: Application) -> Meeting:
    if service.app.config["SQLALCHEMY_DATABASE_URI"].startswith("sqlite"):
        pytest.skip("SQLite has one writer, so nobody meets")
    return Meeting(service)


def received(service: Application, *events: dict[str, Any]) -> list[int]:
    deliver_all(service, "stripe", events, "default")
    ids = {event["event_id"]: event["id"] for event in service.events()}
    return [ids[event["id"]] for event in events]


def test_a_slow_handler_makes_only_its_own_payment_wait(
    service: Application, meeting: Meeting
) -> None:
    """The locks of a payment are held until the commit, those of others are free."""
    handles("stripe", "payment_intent.created")(meeting.stand_still)
    slow, same, other = received(
        service,
        intent_event("payment_intent.created"),
        intent_event("payment_intent.processing", after=1, status="processing"),
        intent_event("payment_intent.processing", "pi_2", status="processing"),
    )
    meeting.hold(slow, waiting=same, free=other)
    assert [payment["status"] for payment in payments_of(service)] == ["processing", "processing"]


def test_a_payment_that_becomes_part_of_another_while_an_event_of_it_waits(
    service: Application, meeting: Meeting, caplog: pytest.LogCaptureFixture
) -> None:
    """The waiting event named an object of a payment that is gone when its turn comes."""
    received(service, intent_event("payment_intent.created"), refund_event("refund.created"))
    service.work()
    assert [payment["payment_id"] for payment in payments_of(service)] == ["ch_1", "pi_1"]
    handles("stripe", "refund.updated")(meeting.stand_still)
    joining, waiting = received(
        service,
        refund_event("refund.updated", after=5, charge=None, payment_intent="pi_1"),
        refund_event("refund.created", "re_2", after=6),
    )
    meeting.hold(joining, waiting=waiting)
    [payment] = payments_of(service)
    assert payment["payment_id"] == "pi_1"
    assert payment["objects"] == ["ch_1", "pi_1", "re_1", "re_2"]
    assert payment["amount_refunded"] == 1000
    # The row that it waited for is gone, and it has no lock on the one that took its place.
    assert caplog.text.count("attempt begins anew") == 1
    check_one_attempt_each(service, "default")
