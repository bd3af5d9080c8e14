"""Counting deliveries costs them nothing, and no more than one small write in ten seconds."""

from __future__ import annotations

from typing import Any

import pytest

from payments.reconciliation.deliveries import EXTENSION, DeliveryCounter
from tests.support.application import Application
from tests.support.deliveries import encode, stripe_event

FORGED = {"Stripe-Signature": "t=1,v1=00"}


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock(application: Application) -> Clock:
    clock = Clock()
    application.app.extensions[EXTENSION] = DeliveryCounter(clock)
    return clock


def forge(application: Application, path: str = "") -> int:
    response = application.client.post(
        f"/webhooks/stripe{path}", data=encode(stripe_event()), headers=FORGED, buffered=True
    )
    return response.status_code


def counts(application: Application) -> list[tuple[Any, ...]]:
    rows = application.sql(
        "SELECT provider, account, accepted, refused FROM delivery_counts ORDER BY provider"
    )
    return [tuple(row) for row in rows]


def test_the_first_delivery_is_written_and_the_next_ones_wait(
    application: Application, clock: Clock
) -> None:
    assert application.deliver(buffered=True).status_code == 200
    for _ in range(5):
        assert forge(application) == 400
    assert counts(application) == [("stripe", "default", 1, 0)]
    clock.now += 9.9
    forge(application)
    assert counts(application) == [("stripe", "default", 1, 0)]
    clock.now += 0.2
    application.deliver(buffered=True)
    assert counts(application) == [("stripe", "default", 2, 6)]


def test_providers_and_accounts_are_counted_apart_and_what_does_not_exist_is_not_counted(
    application: Application, clock: Clock
) -> None:
    assert forge(application, "/nobody") == 404
    application.client.post("/webhooks/nothing", data=b"{}", buffered=True)
    application.deliver(provider="paypal", buffered=True)
    application.deliver(b"not JSON", buffered=True)
    clock.now += 10
    forge(application)
    assert counts(application) == [("paypal", "default", 1, 0), ("stripe", "default", 0, 1)]


def test_a_database_that_is_away_costs_no_answer_and_loses_no_count(
    application: Application, clock: Clock
) -> None:
    application.sql("ALTER TABLE delivery_counts RENAME TO elsewhere")
    try:
        assert forge(application) == 400
        clock.now += 10
        assert application.deliver(buffered=True).status_code == 200
    finally:
        application.sql("ALTER TABLE elsewhere RENAME TO delivery_counts")
    clock.now += 10
    assert forge(application) == 400
    assert counts(application) == [("stripe", "default", 1, 2)]


def test_two_processes_add_to_the_same_row(application: Application, clock: Clock) -> None:
    forge(application)
    application.app.extensions[EXTENSION] = DeliveryCounter(clock)
    forge(application)
    assert counts(application) == [("stripe", "default", 0, 2)]


def test_the_last_use_of_each_secret_is_known_by_its_label(
    application: Application, clock: Clock
) -> None:
    application.deliver(buffered=True)
    label = application.sql("SELECT secret_label FROM events")[0][0]
    before = uses(application)
    assert [row[:3] for row in before] == [("stripe", "default", label)]
    clock.now += 10
    application.deliver(buffered=True)
    clock.now += 10
    forge(application)
    after = uses(application)
    assert [row[:3] for row in after] == [("stripe", "default", label)]
    assert after[0][3] > before[0][3]


def uses(application: Application) -> list[tuple[Any, ...]]:
    rows = application.sql("SELECT provider, account, label, last_used_at FROM secret_uses")
    return [tuple(row) for row in rows]
