"""Stripe's own kind of traffic: localstripe does the business, its webhooks arrive here."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import select

from tests.conftest import DATABASES
from tests.e2e.handlers import CALLS
from tests.e2e.localstripe_business import (
    DECLINED_CARD,
    GOOD_CARD,
    NEEDS_IPV6,
    listening,
    new_card,
    new_customer,
    pay,
    wait_until_all_is_done,
)
from tests.standins.localstripe import LocalStripe
from tests.support.databases import connected, empty_database
from tests.support.deliveries import STRIPE_SECRET
from tests.support.operator import Operator
from tests.support.service import Service
from tests.support.waiting import eventually

CUSTOMERS = 4
pytestmark = NEEDS_IPV6


@pytest.fixture(scope="module", params=DATABASES)
def service(
    request: pytest.FixtureRequest,
    tmp_path_factory: pytest.TempPathFactory,
    valkey_server: str,
    stripe: LocalStripe,
) -> Iterator[Service]:
    """It has received everything of a morning's business, and has dealt with it."""
    folder = tmp_path_factory.mktemp("service")
    with empty_database(request.param, folder, request) as url:
        with connected(url) as engine:
            CALLS.create(engine)
        running = Service(folder, url, valkey_server, PAYMENTS_HANDLERS="tests.e2e.handlers")
        with listening(running, stripe):
            do_business(stripe)
            wait_until_all_is_done(running, len(stripe.events()))
            yield running


def do_business(stripe: LocalStripe) -> None:
    """Customers who pay, are refunded, and whose cards are declined; and what Stripe adds."""
    for number in range(CUSTOMERS):
        customer = new_customer(stripe, number)
        card = new_card(stripe, customer, GOOD_CARD)
        at_once = pay(stripe, customer, card, amount=1000 + number)
        assert at_once["status"] == "succeeded"
        refund = stripe.post("/v1/refunds", {"payment_intent": at_once["id"]})
        assert (refund["status"], refund["amount"]) == ("succeeded", 1000 + number)
        later = pay(stripe, customer, card, amount=5000, capture_method="manual")
        assert later["status"] == "requires_capture"
        captured = stripe.post(f"/v1/payment_intents/{later['id']}/capture")
        assert captured["status"] == "succeeded"
        partly = stripe.post(
            "/v1/refunds", {"charge": captured["latest_charge"]["id"], "amount": 1}
        )
        assert partly["status"] == "succeeded"
        stripe.post(f"/v1/customers/{customer}", {"metadata[paid]": "twice, “Grüße”"})
    declined = new_customer(stripe, CUSTOMERS)
    card = new_card(stripe, declined, DECLINED_CARD)
    pay(stripe, declined, card, amount=700, status=402)
    stripe.delete(f"/v1/customers/{declined}")
    stripe.get("/v1/balance")


def calls(service: Service) -> list[Any]:
    """What the handler noted."""
    with connected(service.environment["DATABASE_URL"]) as engine, engine.connect() as connection:
        return list(connection.execute(select(CALLS)).all())


def test_each_of_its_events_is_kept_once_and_ends_processed(
    service: Service, stripe: LocalStripe
) -> None:
    kept = Operator(service.url).events(provider="stripe")
    assert Counter(event["event_id"] for event in kept) == Counter(
        event["id"] for event in stripe.events()
    )
    assert {(event["status"], event["attempts"]) for event in kept} == {("processed", 1)}


def test_each_of_its_events_is_handled_once_with_the_payload_that_it_lists(
    service: Service, stripe: LocalStripe
) -> None:
    handled = calls(service)
    assert len(handled) == len(stripe.events())
    listed = {event["id"]: event for event in stripe.events()}
    for call in handled:
        assert (call.event_type, json.loads(call.body)) == (
            listed[call.event_id]["type"],
            listed[call.event_id],
        )


def test_the_rows_say_what_the_events_say(service: Service, stripe: LocalStripe) -> None:
    listed = {event["id"]: event for event in stripe.events()}
    for row in Operator(service.url).events():
        event = listed[row["event_id"]]
        assert row["event_type"] == event["type"]
        assert row["object_id"] == event["data"]["object"].get("id")
        assert row["api_version"] == event["api_version"]
        assert (row["livemode"], row["account"], row["source"]) == (False, "default", "webhook")
        assert row["secret_label"].startswith("STRIPE_SIGNING_SECRET#")


def test_the_business_was_of_many_kinds(service: Service, stripe: LocalStripe) -> None:
    """So that the others do not compare nothing with nothing."""
    assert Counter(event["event_type"] for event in Operator(service.url).events()) == {
        "customer.created": CUSTOMERS + 1,
        "payment_intent.succeeded": 2 * CUSTOMERS,
        "customer.updated": CUSTOMERS,
        "payment_intent.payment_failed": 1,
        "customer.deleted": 1,
        "balance.available": 1,
    }


def test_webhooks_signed_with_another_secret_are_refused(
    service: Service, stripe: LocalStripe
) -> None:
    before = len(Operator(service.url).events())
    refusals = service.log("web").count("no signature matches")
    known = len(stripe.events())
    stripe.deliver_to(f"{service.url}/webhooks/stripe", "whsec_another")
    try:
        new_customer(stripe, 99)
        assert len(stripe.events()) == known + 1
        eventually(
            lambda: service.log("web").count("no signature matches") > refusals, "the refusal"
        )
    finally:
        stripe.deliver_to(f"{service.url}/webhooks/stripe", STRIPE_SECRET)
    assert len(Operator(service.url).events()) == before
