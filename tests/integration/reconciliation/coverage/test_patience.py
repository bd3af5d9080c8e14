"""A provider that limits its rate (429) is waited for within the run, for a while."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.standins.paypal import VERIFY
from tests.standins.paypal_events import EVENTS, PayPalWithEvents
from tests.standins.stripe_events import StripeEvents
from tests.support.application import Application, MakeApplication
from tests.support.coverage import ids, kept, made, made_by_paypal, reconcile
from tests.support.deliveries import encode
from tests.support.paypal_variables import paypal_variables

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


@pytest.fixture
def paypal() -> Iterator[PayPalWithEvents]:
    with PayPalWithEvents() as running:
        yield running


def test_a_run_waits_as_long_as_stripe_asks_for_and_sees_all(
    service: Application, stripe: StripeEvents
) -> None:
    events = made(3)
    stripe.put(*events)
    stripe.retry_after = "1"
    stripe.misbehave("/v1/events", "429", after=1, times=1)
    began = time.monotonic()
    run = reconcile(service, "--hours", "2")
    assert time.monotonic() - began >= 1
    assert (run["status"], run["reason"], run["fetched"]) == ("complete", None, 3)
    assert kept(service) == ids(events)


def test_a_pause_that_is_too_long_ends_the_run_and_the_next_one_goes_on(
    service: Application, stripe: StripeEvents
) -> None:
    events = made(3)
    stripe.put(*events)
    stripe.retry_after = "3600"
    stripe.misbehave("/v1/events", "429", after=1, times=1)
    run = reconcile(service, "--hours", "2", code=1)
    assert run["reason"] == (
        "Stripe asks for fewer questions (status 429), and for a pause of 3600 seconds."
    )
    again = reconcile(service, "--hours", "1")
    assert (again["status"], again["fetched"]) == ("complete", 3)


def test_a_run_waits_for_paypal_too_and_deliveries_do_not_pay_for_it(
    make_application: MakeApplication, paypal: PayPalWithEvents, tmp_path: Path
) -> None:
    service = make_application(
        **paypal_variables(paypal, tmp_path),
        PAYPAL_VERIFY="postback",
        RECONCILE_REQUESTS_PER_SECOND="1000",
    )
    events = made_by_paypal(3)
    paypal.put(*events)
    paypal.retry_after = "1"
    paypal.misbehave(EVENTS, "429", times=1)
    run = reconcile(service, "--hours", "2")
    assert (run["status"], run["fetched"]) == ("complete", 3)
    paypal.misbehave(EVENTS, "503")
    assert "status 503" in reconcile(service, "--hours", "2", code=1)["reason"]
    # A failure of reconciliation does not open the breaker of what verifies deliveries.
    body = encode(made_by_paypal(1)[0])
    answer = service.deliver_raw(body, paypal.deliver_headers(body), "/webhooks/paypal")
    assert (answer.status_code, paypal.count(VERIFY)) == (200, 1)
