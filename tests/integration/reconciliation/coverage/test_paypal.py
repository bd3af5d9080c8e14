"""Reconciliation of events with PayPal: its list of an app's webhook events."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from payments.extensions import settings
from tests.standins.paypal_events import EVENTS, WEBHOOKS, PayPalWithEvents
from tests.support.application import Application, MakeApplication
from tests.support.coverage import (
    hour_name,
    hours,
    ids,
    kept,
    made_by_paypal,
    past_hour,
    reconcile,
)
from tests.support.deliveries import encode
from tests.support.paypal_variables import paypal_variables


@pytest.fixture
def paypal() -> Iterator[PayPalWithEvents]:
    with PayPalWithEvents() as running:
        yield running


@pytest.fixture
def service(
    make_application: MakeApplication, paypal: PayPalWithEvents, tmp_path: Path
) -> Application:
    return make_application(
        **paypal_variables(paypal, tmp_path),
        RECONCILE_REQUESTS_PER_SECOND="1000",
        RECONCILE_MAX_PER_SECOND="10000",
        LOG_LEVEL="ERROR",
    )


def test_exactly_what_is_missing_is_fetched_over_all_pages(
    service: Application, paypal: PayPalWithEvents
) -> None:
    paypal.most = 3
    events = made_by_paypal(10)
    paypal.put(*events)
    for event in events[:4]:
        body = encode(event)
        service.deliver_raw(body, paypal.deliver_headers(body), "/webhooks/paypal")
    run = reconcile(service, "--hours", "3")
    assert (run["status"], run["theirs"], run["ours"]) == ("complete", 10, 10)
    assert (run["missing"], run["fetched"]) == (6, 6)
    assert kept(service) == ids(events)
    assert hours(service)[hour_name(past_hour())] == ("complete", 10, 10, 0)
    service.work()
    assert {it["status"] for it in service.events()} <= {"processed", "ignored"}


def test_a_webhook_that_comes_later_is_a_duplicate_and_no_forgery(
    service: Application, paypal: PayPalWithEvents
) -> None:
    [event] = made_by_paypal(1)
    paypal.put({**event, "summary": "as the list words it"})
    reconcile(service, "--hours", "3")
    body = encode({**event, "summary": "as it is delivered"})
    headers = paypal.deliver_headers(body)
    for _ in range(2):
        answer = service.deliver_raw(body, headers, "/webhooks/paypal")
        assert answer.status_code == 200
        assert "conflict" not in answer.get_json()
    [row] = service.events()
    assert (row["source"], row["conflicts"]) == ("backfill", 0)


def test_events_on_the_border_of_two_hours_are_counted_once(
    service: Application, paypal: PayPalWithEvents
) -> None:
    paypal.put(*made_by_paypal(1, past_hour(2)), *made_by_paypal(1, past_hour(1)))
    paypal.put(*made_by_paypal(1, past_hour(3)))
    assert reconcile(service, "--hours", "4")["theirs"] == 3


@pytest.mark.parametrize(
    ("how", "reason"),
    [
        ("429", "fewer questions (status 429)"),
        ("500", "PayPal answered with status 500."),
        ("403", "may not see this"),
        ("400", "status 400"),
        ("html", "not a JSON object"),
        ("drop", "PayPal does not answer."),
    ],
)
def test_a_list_that_fails_makes_the_run_incomplete_with_its_reason(
    service: Application, paypal: PayPalWithEvents, how: str, reason: str
) -> None:
    paypal.put(*made_by_paypal(2))
    paypal.misbehave(EVENTS, how)
    run = reconcile(service, "--hours", "2", code=1)
    assert run["status"] == "incomplete"
    assert reason in run["reason"]
    assert hours(service)[hour_name(past_hour())] == ("incomplete", 0, 0, 0)
    assert kept(service) == set()


def test_a_list_that_goes_on_at_another_host_is_not_followed(
    service: Application, paypal: PayPalWithEvents
) -> None:
    paypal.most, paypal.next_host = 1, "https://api-m.paypal.com.example.net"
    paypal.put(*made_by_paypal(2))
    assert "another host" in reconcile(service, "--hours", "2", code=1)["reason"]


def test_a_list_that_names_its_public_host_is_followed_at_our_base(
    service: Application, paypal: PayPalWithEvents
) -> None:
    paypal.most, paypal.next_host = 1, "https://api.sandbox.paypal.com"
    paypal.put(*made_by_paypal(3))
    assert reconcile(service, "--hours", "2")["theirs"] == 3


def test_a_list_that_goes_round_is_left(service: Application, paypal: PayPalWithEvents) -> None:
    paypal.goes_round = True
    paypal.put(*made_by_paypal(2))
    assert "one cursor came twice" in reconcile(service, "--hours", "2", code=1)["reason"]


def test_tokens_that_expire_within_a_run_are_replaced(
    service: Application, paypal: PayPalWithEvents
) -> None:
    paypal.token_seconds = 61
    paypal.put(*made_by_paypal(2))
    assert reconcile(service, "--hours", "2")["fetched"] == 2
    paypal.expire_tokens()
    assert reconcile(service, "--hours", "2")["ours"] == 2


def test_an_app_of_another_account_is_seen_by_what_it_does_not_know(
    service: Application, paypal: PayPalWithEvents
) -> None:
    body = encode(made_by_paypal(1)[0])
    service.deliver_raw(body, paypal.deliver_headers(body), "/webhooks/paypal")
    foreign = made_by_paypal(2)
    paypal.put(*foreign)
    assert "another account" in reconcile(service, "--hours", "3", code=1)["reason"]
    assert not kept(service) & ids(foreign)


def test_only_the_types_that_the_webhook_is_told_of_are_missing(
    service: Application, paypal: PayPalWithEvents
) -> None:
    paypal.event_types = ["CHECKOUT.ORDER.APPROVED", "PAYMENT.CAPTURE.COMPLETED"]
    told = made_by_paypal(2)
    other = [{**event, "event_type": "CUSTOMER.DISPUTE.CREATED"} for event in made_by_paypal(3)]
    paypal.put(*told, *other)
    run = reconcile(service, "--hours", "3")
    assert (run["status"], run["theirs"], run["fetched"]) == ("complete", 2, 2)
    assert kept(service) == ids(told)


def test_a_webhook_that_the_app_may_not_see_is_taken_to_be_told_of_everything(
    service: Application, paypal: PayPalWithEvents
) -> None:
    paypal.event_types = ["CHECKOUT.ORDER.APPROVED"]
    paypal.misbehave(WEBHOOKS, "403")
    paypal.put(*made_by_paypal(2))
    assert reconcile(service, "--hours", "3")["fetched"] == 2


def test_an_app_that_does_not_have_our_webhook_is_not_believed(
    service: Application, paypal: PayPalWithEvents
) -> None:
    """Nothing is kept here yet, by which a foreign app could be seen."""
    paypal.webhook_ids = {"1WH0000000FOREIGN"}
    paypal.put(*made_by_paypal(2))
    run = reconcile(service, "--hours", "3", code=1)
    assert "has no webhook with the id in PAYPAL_WEBHOOK_ID" in run["reason"]
    assert kept(service) == set()


def test_wrong_credentials_are_named_and_not_shown(
    service: Application, paypal: PayPalWithEvents
) -> None:
    secret, paypal.client_secret = paypal.client_secret, "9c0a4e7d1b53f268"
    done = service.cli("reconcile", "run", "--hours", "2", "--provider", "paypal")
    assert done.exit_code == 1
    assert "does not accept PAYPAL_CLIENT_ID and PAYPAL_CLIENT_SECRET (status 401)" in done.output
    assert secret not in done.output


def test_an_event_that_was_fetched_and_is_then_resent_is_a_duplicate(
    service: Application, paypal: PayPalWithEvents
) -> None:
    [event] = made_by_paypal(1)
    paypal.put(event)
    reconcile(service, "--hours", "3")
    answers: list[Any] = []
    paypal.deliver = lambda body, headers: answers.append(
        service.deliver_raw(body, headers, "/webhooks/paypal").get_json()
    )
    with service.app.app_context():
        api = settings().providers["paypal"]["default"].api
    assert api.ask("POST", f"{EVENTS}/{event['id']}/resend", b"{}").status == 202
    assert [answer["message"] for answer in answers] == ["duplicate ignored"]
    assert kept(service) == ids([event])
