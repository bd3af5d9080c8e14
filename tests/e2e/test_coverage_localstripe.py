"""localstripe does business while the service answers 503, and while it is down; nothing is lost.

localstripe sends each webhook once, so that what is not taken in then is missing for good: only
reconciliation brings it.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest

from tests.conftest import DATABASES
from tests.e2e.localstripe_business import (
    DECLINED_CARD,
    GOOD_CARD,
    NEEDS_IPV6,
    listening,
    new_card,
    new_customer,
    pay,
    reconcile,
)
from tests.standins.localstripe import API_KEY, PAGE, LocalStripe
from tests.support.databases import empty_database
from tests.support.operator import UNFINISHED, Operator
from tests.support.servers import free_port
from tests.support.service import WEB, Service
from tests.support.waiting import eventually

CUSTOMERS = 25
pytestmark = NEEDS_IPV6


@pytest.fixture(scope="module", params=DATABASES)
def service(
    request: pytest.FixtureRequest,
    tmp_path_factory: pytest.TempPathFactory,
    valkey_server: str,
    stripe: LocalStripe,
) -> Iterator[Service]:
    folder = tmp_path_factory.mktemp("service")
    with empty_database(request.param, folder, request) as url:
        running = Service(
            folder,
            url,
            valkey_server,
            STRIPE_API_KEY=API_KEY,
            STRIPE_API_BASE=stripe.url,
            STRIPE_EVENT_TYPES="customer.*,payment_intent.*",
            RECONCILE_REQUESTS_PER_SECOND="1000",
            RECONCILE_MAX_PER_SECOND="10000",
        )
        with listening(running, stripe):
            yield running


def do_business(stripe: LocalStripe) -> None:
    """About a hundred objects: customers, their cards, payments, captures, a refusal."""
    for number in range(CUSTOMERS):
        customer = new_customer(stripe, number)
        card = new_card(stripe, customer, GOOD_CARD)
        pay(stripe, customer, card, amount=1000 + number)
        later = pay(stripe, customer, card, amount=5000 + number, capture_method="manual")
        if number % 2:
            stripe.post(f"/v1/payment_intents/{later['id']}/capture")
    declined = new_card(stripe, customer, DECLINED_CARD)
    pay(stripe, customer, declined, amount=700, status=402)


def wait_until_all_is_told(stripe: LocalStripe) -> None:
    """localstripe sends a webhook a second after what it tells of; the last one is long sent."""
    newest = max(event["created"] for event in stripe.events())
    eventually(lambda: time.time() > newest + 4, "localstripe has sent all that it will send")


def kept(service: Service) -> dict[str, dict[str, Any]]:
    return {event["event_id"]: event for event in Operator(service.url).events()}


def charges(stripe: LocalStripe) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    more = True
    while more:
        after = {"starting_after": found[-1]["id"]} if found else {}
        page = stripe.get("/v1/charges", limit=PAGE, **after)
        found += page["data"]
        more = page["has_more"]
    return found


def refusing(service: Service) -> Service:
    """A web process whose database is away: every delivery to it is answered with 503."""
    nowhere = f"postgresql://nobody@127.0.0.1:{free_port()}/nothing"
    environment = service.environment
    other = Service(service.folder / "refusing", nowhere, environment["REDIS_URL"])
    other.port, other.url = service.port, service.url
    return other


def test_what_was_made_while_the_service_was_away_is_found_fetched_and_agrees(
    service: Service, stripe: LocalStripe
) -> None:
    do_business(stripe)
    wait_until_all_is_told(stripe)
    here = {event["id"] for event in stripe.events()}
    eventually(lambda: kept(service).keys() == here, "what was told is here")

    service.kill(WEB)
    without_database = refusing(service)
    without_database.start(WEB)
    try:
        without_database.wait_until_healthy()
        do_business(stripe)
        wait_until_all_is_told(stripe)
        assert without_database.log(WEB).count("database away") > CUSTOMERS
    finally:
        without_database.stop()
    do_business(stripe)  # nobody listens
    wait_until_all_is_told(stripe)
    service.start(WEB)
    service.wait_until_healthy()

    events = {event["id"]: event for event in stripe.events()}
    missing = events.keys() - here
    assert kept(service).keys() == here
    assert len(missing) > 100
    run = reconcile(service, "run", seconds=120)
    assert {it["event_id"] for it in run["missing_events"]} == missing
    assert (run["missing"], run["fetched"]) == (len(missing), len(missing))
    assert (run["theirs"], run["ours"]) == (len(events), len(events))

    eventually(
        lambda: not any(it["status"] in UNFINISHED for it in kept(service).values()), "all ended"
    )
    ended = kept(service)
    assert ended.keys() == events.keys()
    assert {it["status"] for it in ended.values()} <= {"processed", "ignored"}
    assert {id for id, it in ended.items() if it["source"] == "backfill"} == missing
    again = reconcile(service, "run", seconds=120)
    assert (again["missing"], again["processed"]) == (0, len(events))
    assert_payments_agree(service, stripe)


def assert_payments_agree(service: Service, stripe: LocalStripe) -> None:
    """Amount by amount, for every payment that an event tells of."""
    ours = {it["payment_id"]: it for it in Operator(service.url).get("/payments", limit=500)}
    made = charges(stripe)
    paid = {it["payment_intent"]: it for it in made if it["paid"] and it["captured"]}
    assert len(paid) > CUSTOMERS * 3
    told = {
        event["data"]["object"]["id"]
        for event in stripe.events()
        if event["type"].startswith("payment_intent.")
    }
    assert paid.keys() <= told == ours.keys()
    for intent, charge in paid.items():
        payment = ours[intent]
        assert (payment["amount_captured"], payment["amount_refunded"]) == (charge["amount"], 0)
        assert payment["currency"] == charge["currency"].upper()
    unpaid = [ours[id] for id in ours.keys() - paid.keys()]
    assert Counter(it["amount_captured"] or 0 for it in unpaid) == {0: len(unpaid)}
