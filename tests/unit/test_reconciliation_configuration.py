"""The variables of reconciliation: what is understood, and what is refused by name."""

from __future__ import annotations

from datetime import time
from typing import Any

import pytest

from payments.reconciliation.asked import sides_of, sources_of
from payments.reconciliation.counts import Source
from payments.variables import ConfigError
from tests.support.application import settings_for
from tests.support.deliveries import STRIPE_SECRET
from tests.unit.test_config import GOOD, problems_of

STRIPE = {"STRIPE_SIGNING_SECRET": STRIPE_SECRET, "PAYMENTS_PROVIDERS": "stripe"}
KEY = "sk_test_0123456789abcdef"


def stripe_api(**variables: str) -> Any:
    return settings_for(**STRIPE, **variables).providers["stripe"]["default"].api


def test_the_night_is_at_half_past_two_unless_it_is_said_otherwise() -> None:
    assert settings_for().reconcile_money_at == time(2, 30)
    assert settings_for(RECONCILE_MONEY_AT="23:05").reconcile_money_at == time(23, 5)


@pytest.mark.parametrize("value", ["24:00", "2:30", "02:60", "0230", "noon", "02:30:00", "٠٢:٣٠"])
def test_what_is_no_time_of_day_is_refused(value: str) -> None:
    assert problems_of(RECONCILE_MONEY_AT=value).keys() == {"RECONCILE_MONEY_AT"}


@pytest.mark.parametrize("value", ["0", "-1", "fast", "nan", "1001"])
def test_what_is_no_rate_is_refused(value: str) -> None:
    problems = problems_of(**STRIPE, STRIPE_API_KEY=KEY, RECONCILE_REQUESTS_PER_SECOND=value)
    assert problems.keys() == {"RECONCILE_REQUESTS_PER_SECOND"}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("RECONCILE_EVERY_MINUTES", "0"),
        ("RECONCILE_EVERY_MINUTES", "1441"),
        ("RECONCILE_NIGHTLY_AT", "1:30"),
        ("RECONCILE_MAX_PER_SECOND", "0"),
        ("RECONCILE_MAX_PER_SECOND", "nan"),
    ],
)
def test_what_cannot_be_a_schedule_of_events_is_refused(name: str, value: str) -> None:
    assert problems_of(**{name: value}).keys() == {name}


@pytest.mark.parametrize("value", ["charge refunded", "charge.*,Ünknown", "a;b"])
def test_what_is_no_event_type_is_refused(value: str) -> None:
    assert problems_of(**STRIPE, STRIPE_EVENT_TYPES=value).keys() == {"STRIPE_EVENT_TYPES"}


@pytest.mark.parametrize("key", ["pk_test_1234", "whsec_1234", "1234"])
def test_what_is_no_key_to_ask_with_is_refused_and_not_shown(key: str) -> None:
    problems = problems_of(**STRIPE, STRIPE_API_KEY=key)
    assert problems.keys() == {"STRIPE_API_KEY"}
    assert key not in str(problems)


def test_a_key_is_masked_and_tells_its_mode() -> None:
    settings = settings_for(**STRIPE, STRIPE_API_KEY=KEY)
    assert KEY in settings.secrets
    api = settings.providers["stripe"]["default"].api
    assert KEY not in repr(api)
    assert api.livemode is False
    assert stripe_api(STRIPE_API_KEY="rk_live_0123456789").livemode is True
    assert stripe_api(STRIPE_API_KEY="sk_0123456789").livemode is None
    assert stripe_api() is None


def test_production_asks_stripe_itself_and_nobody_else() -> None:
    elsewhere = {**GOOD, "STRIPE_API_KEY": KEY, "STRIPE_API_BASE": "https://stripe.example"}
    assert problems_of(**elsewhere).keys() == {"STRIPE_API_BASE"}
    assert problems_of(**STRIPE, STRIPE_API_BASE="stripe").keys() == {"STRIPE_API_BASE"}


def test_each_account_has_its_own_key() -> None:
    settings = settings_for(
        **STRIPE, STRIPE_SIGNING_SECRET__ACME=STRIPE_SECRET, STRIPE_API_KEY__ACME=KEY
    )
    acme, default = Source("stripe", "acme"), Source("stripe", "default")
    assert sources_of(settings) == {default: False, acme: True}
    assert sides_of(default, settings) is None
    assert sides_of(acme, settings) is not None


def test_the_demo_scheme_has_nobody_to_ask() -> None:
    settings = settings_for(
        PAYPAL_MODE="demo_hmac", DEMO_HMAC_SECRET="0123456789abcdef", PAYMENTS_PROVIDERS="paypal"
    )
    assert sources_of(settings) == {Source("paypal", "default"): False}
    assert sides_of(Source("paypal", "default"), settings) is None


def test_all_problems_are_told_at_once() -> None:
    with pytest.raises(ConfigError) as caught:
        settings_for(**STRIPE, STRIPE_API_KEY="pk_x", RECONCILE_MONEY_AT="noon")
    assert len(caught.value.problems) == 2
