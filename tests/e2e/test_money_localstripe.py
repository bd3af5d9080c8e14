"""localstripe's own objects and our payments, amount by amount; and the refunds it never tells of.

Refunds make no events there, so that each is money that only reconciliation finds.
"""

from __future__ import annotations

from collections.abc import Iterator

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
    wait_until_all_is_done,
)
from tests.standins.localstripe import API_KEY, LocalStripe
from tests.standins.localstripe_lists import Lists
from tests.support.databases import empty_database
from tests.support.operator import Operator
from tests.support.service import Service

CUSTOMERS = 10
pytestmark = NEEDS_IPV6


@pytest.fixture(scope="module", params=DATABASES)
def service(
    request: pytest.FixtureRequest,
    tmp_path_factory: pytest.TempPathFactory,
    valkey_server: str,
    stripe: LocalStripe,
) -> Iterator[Service]:
    """It has heard of all payments, and of none of the refunds."""
    folder = tmp_path_factory.mktemp("service")
    with empty_database(request.param, folder, request) as url, Lists(stripe.url) as lists:
        running = Service(
            folder,
            url,
            valkey_server,
            STRIPE_API_KEY=API_KEY,
            STRIPE_API_BASE=lists.url,
            RECONCILE_REQUESTS_PER_SECOND="1000",
        )
        with listening(running, stripe):
            do_business(stripe)
            wait_until_all_is_done(running, len(stripe.events()))
            yield running


def do_business(stripe: LocalStripe) -> None:
    for number in range(CUSTOMERS):
        customer = new_customer(stripe, number)
        card = new_card(stripe, customer, GOOD_CARD)
        pay(stripe, customer, card, amount=1000 + number)
        later = pay(stripe, customer, card, amount=5000 + number, capture_method="manual")
        stripe.post(f"/v1/payment_intents/{later['id']}/capture")
        declined = new_card(stripe, customer, DECLINED_CARD)
        pay(stripe, customer, declined, amount=700, status=402)


def test_our_payments_equal_localstripes_own_objects_until_it_refunds_some(
    service: Service, stripe: LocalStripe
) -> None:
    operator = Operator(service.url)
    charges = {it["payment_intent"]: it for it in stripe.get("/v1/charges", limit=100)["data"]}
    paid = [it for it in charges.values() if it["status"] == "succeeded"]
    ours = {it["payment_id"]: it for it in operator.get("/payments", limit=500)}
    assert len(paid) == 2 * CUSTOMERS
    for intent, charge in charges.items():
        captured = charge["amount"] if charge["captured"] and charge["paid"] else 0
        assert ours[intent]["amount_captured"] == captured
        assert ours[intent]["currency"] == charge["currency"].upper()

    run = reconcile(service, "money")
    assert (run["status"], run["findings"], run["missing"]) == ("complete", 0, 0)
    assert run["theirs"] == run["ours"] == run["processed"] == 3 * CUSTOMERS

    stripe.post("/v1/refunds", {"charge": paid[0]["id"]})
    stripe.post("/v1/refunds", {"charge": paid[1]["id"], "amount": 250})
    run = reconcile(service, "money")
    told = {
        (it["subject"], it["expected"], it["found"])
        for it in operator.get("/reconciliation/findings", kind="amount_refunded")
    }
    assert told == {
        (paid[0]["payment_intent"], f"{paid[0]['amount']} EUR", "0 EUR"),
        (paid[1]["payment_intent"], "250 EUR", "0 EUR"),
    }
    assert run["findings"] == 4  # and the status of both
    assert run["processed"] == 3 * CUSTOMERS - 2
