"""Signed deliveries in a file, ready to be sent: the load generator has only to read them.

All have the same length, so that the n-th is found without an index.
"""

from __future__ import annotations

import json
import secrets
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.support.deliveries import stripe_event, stripe_headers

BODY_BYTES = 2048
PATH = "/webhooks/stripe"
PLACEHOLDER = b"RUN_RUN_NUMBERED"


@dataclass(frozen=True)
class Requests:
    """`count` whole HTTP requests of `length` bytes each, one after the other in `file`."""

    file: Path
    count: int
    length: int


def write_requests(file: Path, count: int) -> Requests:
    """Write `count` deliveries of events that nobody has seen; good for the next 300 seconds."""
    run = secrets.token_hex(4)[:7]
    template = _body_template()
    written = length = 0
    with file.open("wb") as output:
        for number in range(count):
            body = template.replace(PLACEHOLDER, f"{run}{number:09d}".encode())
            request = _request(body)
            length = len(request)
            written += output.write(request)
    assert written == count * length, "the requests differ in length"
    return Requests(file, count, length)


def _request(body: bytes) -> bytes:
    headers = {
        "Host": "payments",
        "User-Agent": "Stripe/1.0 (+https://stripe.com/docs/webhooks)",
        "Accept": "*/*; q=0.5, application/xml",
        "Content-Length": str(len(body)),
        **stripe_headers(body),
    }
    lines = [f"POST {PATH} HTTP/1.1", *(f"{name}: {value}" for name, value in headers.items())]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def _body_template() -> bytes:
    """An event with the ids to be filled in, of exactly BODY_BYTES."""
    event = stripe_event(
        id=f"evt_{PLACEHOLDER.decode()}", data={"object": _payment_intent()}, created=1_790_000_000
    )
    missing = BODY_BYTES - len(json.dumps(event))
    event["data"]["object"]["description"] = "x" * missing
    body = json.dumps(event).encode()
    assert len(body) == BODY_BYTES
    return body


def _payment_intent() -> dict[str, Any]:
    return {
        "id": f"pi_{PLACEHOLDER.decode()}",
        "object": "payment_intent",
        "amount": 2000,
        "amount_capturable": 0,
        "amount_details": {"tip": {}},
        "amount_received": 2000,
        "application": None,
        "automatic_payment_methods": None,
        "canceled_at": None,
        "cancellation_reason": None,
        "capture_method": "automatic",
        "client_secret": None,
        "confirmation_method": "automatic",
        "created": 1_790_000_000,
        "currency": "eur",
        "customer": "cus_00000000000001",
        "description": "",
        "latest_charge": "ch_000000000000000000000001",
        "livemode": False,
        "metadata": {"order": "A-1000", "shop": "north"},
        "next_action": None,
        "payment_method": "pm_000000000000000000000001",
        "payment_method_options": {
            "card": {"installments": None, "network": None, "request_three_d_secure": "automatic"}
        },
        "payment_method_types": ["card"],
        "receipt_email": None,
        "setup_future_usage": None,
        "shipping": None,
        "statement_descriptor": None,
        "status": "succeeded",
        "transfer_group": None,
    }
