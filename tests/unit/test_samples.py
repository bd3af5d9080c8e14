"""Every sample is an event that its provider can read."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime

import pytest

from payments.providers.base import Provider
from payments.providers.paypal.provider import PayPal
from payments.providers.samples import paypal as paypal_samples
from payments.providers.samples import paypal_sample, stripe_sample
from payments.providers.samples import stripe as stripe_samples
from payments.providers.stripe import Stripe
from payments.variables import Variables

NOW = datetime(2026, 5, 1, 12, 0, tzinfo=UTC)
PROVIDERS: dict[type[Provider], dict[str, str]] = {
    Stripe: {"STRIPE_SIGNING_SECRET": "whsec_4b8f2a6c1d9e7035"},
    PayPal: {"PAYPAL_MODE": "demo_hmac", "DEMO_HMAC_SECRET": "4b8f2a6c1d9e7035"},
}
TYPES = [
    *((Stripe, kind) for kind in (*stripe_samples.MAKERS, "payout.paid", "odd", "a.b.c.d")),
    *((PayPal, kind) for kind in (*paypal_samples.MAKERS, "INVOICING.INVOICE.PAID", "ODD")),
]


@pytest.mark.parametrize(("kind", "event_type"), TYPES)
def test_a_sample_is_read_by_its_provider(kind: type[Provider], event_type: str) -> None:
    provider = kind.configure(Variables(PROVIDERS[kind]), "default", strict=False)
    assert provider is not None
    body = json.dumps(provider.sample(event_type, "evt_1", NOW)).encode()
    facts = provider.read(body)
    assert (facts.event_id, facts.event_type) == ("evt_1", event_type)
    assert facts.object_id
    assert facts.api_version
    assert facts.livemode is False
    assert facts.provider_created_at == NOW
    assert all(mail.endswith("@example.com") for mail in re.findall(r"[^\" ]+@[^\" ]+", str(body)))


@pytest.mark.parametrize("sample", [stripe_sample, paypal_sample])
def test_samples_are_stable_and_distinct(sample: type) -> None:
    one, again, other = (sample("odd.kind", event_id, NOW) for event_id in ("a", "a", "b"))
    assert one == again

    def object_id(event: dict[str, dict[str, dict[str, str]]]) -> str:
        return str(event.get("resource", event.get("data", {}).get("object", {}))["id"])

    assert object_id(one) != object_id(other)


def test_a_refund_names_the_capture_of_the_same_event() -> None:
    capture = paypal_sample("PAYMENT.CAPTURE.COMPLETED", "WH-1", NOW)["resource"]
    refund = paypal_sample("PAYMENT.CAPTURE.REFUNDED", "WH-1", NOW)["resource"]
    (up,) = [link["href"] for link in refund["links"] if link["rel"] == "up"]
    assert up.endswith(f"/{capture['id']}")
