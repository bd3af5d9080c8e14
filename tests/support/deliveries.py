"""Deliveries as the providers make them, signed by code that shares nothing with the service."""

from __future__ import annotations

import hashlib
import hmac
import itertools
import json
import time
from typing import Any

STRIPE_SECRET = "whsec_Ab12Cd34Ef56Gh78Ij90Kl12"
DEMO_SECRET = "demo-hmac-7f3c91d2a8b64e05"
ADMIN_TOKEN = "tests-admin-4c0f9a71e2d85b36"

# A customer, as both providers name one.
PERSON = {
    "name": "Jenny Rosen-Quist",
    "email": "jenny.rosen@example.com",
    "line1": "27 Fredrick Avenue",
    "city": "Brothers Springs",
    "postal_code": "97712-4411",
    "phone": "+15555550123",
}
# Those that were made in this process and are a secret by themselves: tests/support/leaks.py.
SIGNATURES: set[str] = set()

_numbers = itertools.count(1)


def unique(prefix: str) -> str:
    """An id that no other test uses."""
    return f"{prefix}_{time.time_ns():x}_{next(_numbers)}"


def stripe_event(event_type: str = "payment_intent.succeeded", **changes: Any) -> dict[str, Any]:
    event: dict[str, Any] = {
        "id": unique("evt"),
        "object": "event",
        "api_version": "2025-09-30.clover",
        "created": int(time.time()),
        "data": {"object": {"id": unique("pi"), "object": "payment_intent", "amount": 2000}},
        "livemode": False,
        "pending_webhooks": 1,
        "request": {"id": None, "idempotency_key": None},
        "type": event_type,
    }
    return {**event, **changes}


def customer_event() -> dict[str, Any]:
    """One that is not about a payment: the service itself has no use for it."""
    customer = {"id": unique("cus"), "object": "customer"}
    return stripe_event("customer.updated", data={"object": customer})


def paypal_event(event_type: str = "PAYMENT.CAPTURE.COMPLETED", **changes: Any) -> dict[str, Any]:
    event: dict[str, Any] = {
        "id": unique("WH"),
        "event_version": "1.0",
        "create_time": "2026-01-02T03:04:05.678Z",
        "resource_type": "capture",
        "resource_version": "2.0",
        "event_type": event_type,
        "resource": {"id": unique("CAP"), "amount": {"currency_code": "USD", "value": "30.00"}},
    }
    return {**event, **changes}


def charge_of(person: dict[str, str]) -> dict[str, Any]:
    """A Stripe event with everything that it may say of a customer."""
    address = {key: person[key] for key in ("line1", "city", "postal_code")}
    details = {key: person[key] for key in ("name", "email", "phone")}
    charge = {
        "id": unique("ch"),
        "object": "charge",
        "amount": 2000,
        "billing_details": {**details, "address": {**address, "country": "US"}},
        "receipt_email": person["email"],
    }
    return stripe_event("charge.updated", data={"object": charge})


def encode(event: Any) -> bytes:
    return json.dumps(event).encode()


def stripe_headers(
    body: bytes, secret: str = STRIPE_SECRET, timestamp: int | None = None
) -> dict[str, str]:
    seconds = int(time.time()) if timestamp is None else timestamp
    signed = f"{seconds}.".encode() + body
    signature = hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest()
    SIGNATURES.add(signature)
    return {"Stripe-Signature": f"t={seconds},v1={signature}", "Content-Type": "application/json"}


def demo_headers(body: bytes, secret: str = DEMO_SECRET) -> dict[str, str]:
    signature = hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
    SIGNATURES.add(signature)
    return {"X-Demo-Signature": signature, "Content-Type": "application/json"}


SIGNED = {"stripe": (stripe_event, stripe_headers), "paypal": (paypal_event, demo_headers)}
