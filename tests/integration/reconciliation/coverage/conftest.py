"""A service that may ask Stripe's stand-in for events; for PayPal there is another one."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.standins.stripe_events import KEY, StripeEvents
from tests.support.application import Application, MakeApplication


@pytest.fixture
def stripe() -> Iterator[StripeEvents]:
    with StripeEvents() as running:
        yield running


@pytest.fixture
def environment(stripe: StripeEvents) -> dict[str, str]:
    return {
        "STRIPE_API_KEY": KEY,
        "STRIPE_API_BASE": stripe.url,
        "RECONCILE_REQUESTS_PER_SECOND": "1000",
        "RECONCILE_MAX_PER_SECOND": "10000",
        "LOG_LEVEL": "ERROR",
    }


@pytest.fixture
def service(make_application: MakeApplication, environment: dict[str, str]) -> Application:
    return make_application(**environment)
