"""The same events give the same payment, in whatever order they arrive and however often."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import pytest

from tests.support.application import Application, MakeApplication
from tests.support.ledgers import (
    accounts,
    amounts_of,
    deliver_all,
    expected_of,
    ledger_of,
    payments_of,
    recorded_events,
)
from tests.support.lifecycles import Lifecycle, lifecycles, random_lifecycles

PROVIDERS = ("stripe", "paypal")
# Each order of arrival is an account of its own: what one account says means nothing to another.
ORDERS = ("forwards", "backwards", "shuffled1", "shuffled2", "shuffled3")


@pytest.fixture
def service(make_application: MakeApplication) -> Application:
    return make_application(**accounts(ORDERS), LOG_LEVEL="ERROR")


def arrivals(events: list[Any], seed: int) -> dict[str, list[Any]]:
    """The events in each order; in the shuffled ones some are delivered again."""
    rng = random.Random(seed)
    orders = {"forwards": list(events), "backwards": list(reversed(events))}
    for name in ORDERS[2:]:
        again = rng.sample(events, rng.randrange(len(events) + 1))
        orders[name] = rng.sample([*events, *again], len(events) + len(again))
    return orders


def arrive(service: Application, provider: str, events: list[Any], seed: int) -> None:
    for account, ordered in arrivals(events, seed).items():
        middle = len(ordered) // 2
        deliver_all(service, provider, ordered[:middle], account)
        service.work()
        deliver_all(service, provider, ordered[middle:], account)
        service.work()


def check_orders_agree(service: Application) -> list[dict[str, Any]]:
    told = ledger_of(service, "forwards")
    for account in ORDERS[1:]:
        there = ledger_of(service, account)
        ids = [{payment["payment_id"] for payment in some} for some in (there, told)]
        assert ids[0] == ids[1], account
        for here, other in zip(told, there, strict=True):
            for name, value in here.items():
                assert (name, other[name]) == (name, value), (account, here["payment_id"])
    return told


@pytest.mark.parametrize("provider", PROVIDERS)
def test_every_story_ends_as_it_must_in_any_order(service: Application, provider: str) -> None:
    stories = lifecycles(provider, seed=1)
    arrive(service, provider, [event for life in stories for event in life.events], seed=1)
    check_orders_agree(service)
    check_stories(service, stories)


@pytest.mark.parametrize("provider", PROVIDERS)
def test_lives_that_are_mixed_up_do_not_meet(service: Application, provider: str) -> None:
    lives = random_lifecycles(provider, seed=100, number=12)
    arrive(service, provider, [event for life in lives for event in life.events], seed=2)
    check_orders_agree(service)
    check_stories(service, lives)


def check_stories(service: Application, stories: list[Lifecycle]) -> None:
    payments = {payment["payment_id"]: payment for payment in payments_of(service, "forwards")}
    assert payments.keys() == {life.expected.payment_id for life in stories}
    for life in stories:
        payment = payments[life.expected.payment_id]
        assert amounts_of(payment) == expected_of(life.expected), life.name
        found = {finding["kind"] for finding in payment["findings"] if finding["status"] == "open"}
        assert found == life.contradictions, life.name
    statuses = {event["status"] for event in service.events(limit=500)}
    assert statuses <= {"processed", "ignored"}


@pytest.mark.parametrize("provider", PROVIDERS)
def test_recorded_events_agree_in_any_order(
    service: Application, vectors: Path, provider: str
) -> None:
    arrive(service, provider, recorded_events(vectors, provider), seed=3)
    told = check_orders_agree(service)
    assert told
