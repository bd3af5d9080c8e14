"""Reconciliation of money with PayPal: orders and their parts, and the list of transactions."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from payments.models import utc_now
from tests.standins.paypal_transactions import TRANSACTIONS, PayPalWithTransactions
from tests.support.application import Application, MakeApplication
from tests.support.deliveries import encode
from tests.support.lifecycles import Lifecycle, lifecycles
from tests.support.money import findings, reconcile
from tests.support.paypal_variables import paypal_variables

SOLD = utc_now() - timedelta(hours=4)


@pytest.fixture
def paypal() -> Iterator[PayPalWithTransactions]:
    with PayPalWithTransactions() as running:
        yield running


@pytest.fixture
def service(
    make_application: MakeApplication, paypal: PayPalWithTransactions, tmp_path: Path
) -> Application:
    return make_application(
        **paypal_variables(paypal, tmp_path),
        RECONCILE_REQUESTS_PER_SECOND="1000",
        LOG_LEVEL="ERROR",
    )


def lives() -> dict[str, Lifecycle]:
    return {life.name: life for life in lifecycles("paypal", seed=5)}


def live(service: Application, paypal: PayPalWithTransactions, *names: str) -> list[str]:
    """Let these payments happen, there and here, four hours ago; their ids."""
    for name in names:
        show(paypal, *lives()[name].objects)
        deliver(service, paypal, lives()[name])
    at = (utc_now() - timedelta(hours=4)).strftime("%Y-%m-%d %H:%M:%S.000000")
    service.sql("UPDATE payments SET last_event_at = :at", at=at)
    return [lives()[name].expected.payment_id for name in names]


def deliver(service: Application, paypal: PayPalWithTransactions, life: Lifecycle) -> None:
    for event in life.events:
        body = encode(event)
        headers = paypal.deliver_headers(body)
        assert (
            service.client.post("/webhooks/paypal", data=body, headers=headers).status_code == 200
        )
    service.work()


def show(paypal: PayPalWithTransactions, *objects: dict[str, Any]) -> None:
    """Let the API show these at their own links, and orders and disputes at theirs."""
    for found in objects:
        hrefs = [link["href"] for link in found.get("links", []) if link["rel"] == "self"]
        if "purchase_units" in found:
            hrefs = [f"/v2/checkout/orders/{found['id']}"]
        if "dispute_id" in found:
            hrefs = [f"/v1/customer/disputes/{found['dispute_id']}"]
        for href in hrefs:
            path = href[href.index("/v") :]
            paypal.serve(path, json.dumps(found).encode(), "application/json")


def test_every_kind_of_payment_agrees_with_paypals_own_objects(
    service: Application, paypal: PayPalWithTransactions
) -> None:
    everything = list(lives())
    live(service, paypal, *everything)
    run = reconcile(service, "paypal")
    assert [(it["kind"], it["expected"], it["found"]) for it in findings(service)] == []
    assert (run["status"], run["reason"]) == ("complete", None)
    assert run["ours"] == run["processed"] == len(everything) > 15


def test_another_amount_is_a_finding_until_it_agrees(
    service: Application, paypal: PayPalWithTransactions
) -> None:
    _, id = live(service, paypal, "refunded", "paid")
    [capture] = lives()["paid"].objects
    currency = capture["amount"]["currency_code"]
    show(paypal, {**capture, "amount": {"currency_code": currency, "value": "1.00"}})
    reconcile(service, "paypal")
    found = {it["kind"]: it for it in findings(service)}
    assert found.keys() == {"amount_captured", "amount_authorized"}
    assert found["amount_captured"]["expected"] == f"100 {currency}"
    assert found["amount_captured"]["subject"] == id
    show(paypal, capture)
    reconcile(service, "paypal")
    assert {it["status"] for it in findings(service)} == {"resolved"}


def test_a_transaction_that_is_not_known_here_is_a_missing_payment(
    service: Application, paypal: PayPalWithTransactions
) -> None:
    live(service, paypal, "refunded")
    lost = lives()["paid"]
    show(paypal, *lost.objects)
    paypal.sell(*[it["id"] for it in lost.objects], "A1TRANSFER2BY3HAND", at=SOLD)
    run = reconcile(service, "paypal")
    [found] = findings(service)
    assert (found["kind"], found["subject"]) == ("missing_payment", lost.expected.payment_id)
    assert found["expected"].startswith("captured, ")
    reconcile(service, "paypal")
    assert [it["status"] for it in findings(service)] == ["open"]
    deliver(service, paypal, lost)
    reconcile(service, "paypal")
    assert [it["status"] for it in findings(service)] == ["resolved"]
    assert run["missing"] == 1


def test_all_pages_of_transactions_are_seen_and_only_those_of_the_window(
    service: Application, paypal: PayPalWithTransactions
) -> None:
    live(service, paypal, "paid")
    lost = lives()["refunded"]
    show(paypal, *lost.objects)
    paypal.most = 2
    paypal.sell("A1BY1HAND", "A2BY2HAND", *[it["id"] for it in lost.objects], at=SOLD)
    other = lives()["captured_in_part"]
    show(paypal, *other.objects)
    paypal.sell(*[it["id"] for it in other.objects], at=SOLD - timedelta(days=3))
    assert reconcile(service, "paypal")["missing"] == 1
    [found] = findings(service)
    assert found["subject"] == lost.expected.payment_id


def test_without_the_right_to_list_transactions_the_run_says_what_it_cannot_see(
    service: Application, paypal: PayPalWithTransactions
) -> None:
    live(service, paypal, "paid")
    paypal.misbehave(TRANSACTIONS, "403")
    run = reconcile(service, "paypal", code=1)
    assert run["status"] == "incomplete"
    assert "may not list transactions" in run["reason"]
    assert run["processed"] == 1
    assert findings(service) == []


def test_disputes_that_the_app_may_not_see_are_not_compared(
    service: Application, paypal: PayPalWithTransactions
) -> None:
    live(service, paypal, "paid", "disputed")
    paypal.misbehave("/v1/customer/disputes", "403")
    run = reconcile(service, "paypal", code=1)
    assert "may not see disputes" in run["reason"]
    assert findings(service) == []


@pytest.mark.parametrize(
    ("how", "said"),
    [
        ("429", "fewer questions (status 429)"),
        ("500", "status 500"),
        ("html", "not a JSON object"),
        ("drop", "does not answer"),
    ],
)
def test_what_paypal_does_not_answer_makes_the_run_incomplete(
    service: Application, paypal: PayPalWithTransactions, how: str, said: str
) -> None:
    live(service, paypal, "paid", "refunded")
    paypal.misbehave("/v2/payments", how)
    run = reconcile(service, "paypal", code=1)
    assert run["status"] == "incomplete"
    assert said in run["reason"]
    assert paypal.client_secret not in json.dumps(run)
    assert findings(service) == []


@pytest.mark.parametrize(
    ("amount", "said"),
    [
        ({"currency_code": "ZZZ", "value": "5.00"}, "should be a code of ISO 4217"),
        ({"currency_code": "EUR", "value": "a lot"}, "should be a decimal number"),
        ({"currency_code": "JPY", "value": "5.5"}, "could not be read"),
        (None, "should be an object with a value"),
    ],
)
def test_what_cannot_be_read_is_not_compared_and_said(
    service: Application, paypal: PayPalWithTransactions, amount: Any, said: str
) -> None:
    live(service, paypal, "refunded", "paid")
    [capture] = lives()["paid"].objects
    show(paypal, {**capture, "amount": amount})
    run = reconcile(service, "paypal", code=1)
    assert said in run["reason"]
    assert findings(service) == []


def test_a_list_of_transactions_that_is_none_is_said(
    service: Application, paypal: PayPalWithTransactions
) -> None:
    live(service, paypal, "paid")
    paypal.serve(TRANSACTIONS, b'{"transaction_details": "many"}', "application/json")
    assert "is not a list" in reconcile(service, "paypal", code=1)["reason"]


def test_the_window_ends_before_what_paypal_does_not_list_yet(
    service: Application, paypal: PayPalWithTransactions
) -> None:
    run = reconcile(service, "paypal", "--hours", "1")
    [asked] = [it.path for it in paypal.requests if it.path.startswith(TRANSACTIONS)]
    latest = (utc_now() - timedelta(hours=3)).strftime("%Y-%m-%dT%H")
    assert run["window_end"].startswith(latest)
    assert f"end_date={latest}" in asked
