"""What the tests with localstripe share: who buys there, and a service that listens to it."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from tests.standins.localstripe import LocalStripe
from tests.support.deliveries import STRIPE_SECRET
from tests.support.operator import UNFINISHED, Operator
from tests.support.service import ROOT, Service
from tests.support.waiting import eventually

GOOD_CARD = "4242424242424242"
DECLINED_CARD = "4000000000000341"


def has_ipv6() -> bool:
    try:
        with socket.socket(socket.AF_INET6) as probe:
            probe.bind(("::", 0))
    except OSError:
        return False
    return True


NEEDS_IPV6 = pytest.mark.skipif(not has_ipv6(), reason="localstripe listens on IPv6's ::")


@contextmanager
def listening(service: Service, stripe: LocalStripe) -> Iterator[None]:
    """The service runs, and hears of what happens at an empty localstripe from now on."""
    with service.started(workers=2):
        stripe.delete("/_config/data")
        stripe.deliver_to(f"{service.url}/webhooks/stripe", STRIPE_SECRET)
        yield


def new_customer(stripe: LocalStripe, number: int) -> str:
    fields: dict[str, str | int] = {"email": f"pat{number}@example.com", "name": "Pat Sämple"}
    return str(stripe.post("/v1/customers", fields)["id"])


def new_card(stripe: LocalStripe, customer: str, number: str) -> str:
    fields: dict[str, str | int] = {
        "type": "card",
        "card[number]": number,
        "card[exp_month]": 12,
        "card[exp_year]": 2040,
        "card[cvc]": "123",
    }
    method = stripe.post("/v1/payment_methods", fields)["id"]
    stripe.post(f"/v1/payment_methods/{method}/attach", {"customer": customer})
    return str(method)


def pay(
    stripe: LocalStripe, customer: str, card: str, status: int = 200, **fields: str | int
) -> dict[str, Any]:
    wanted: dict[str, str | int] = {
        "customer": customer,
        "payment_method": card,
        "currency": "eur",
        "confirm": "true",
        **fields,
    }
    intent: dict[str, Any] = stripe.post("/v1/payment_intents", wanted, status)
    return intent


def wait_until_all_is_done(service: Service, count: int) -> None:
    operator = Operator(service.url)

    def done() -> bool:
        events = operator.events()
        return len(events) >= count and not any(e["status"] in UNFINISHED for e in events)

    eventually(done, f"the end of {count} events", 30)


def reconcile(service: Service, what: str, seconds: float = 60) -> dict[str, Any]:
    """`flask reconcile` of the last hour's events ("run") or "money": its answer."""
    done = subprocess.run(
        [sys.executable, "-m", "flask", "--app", "wsgi", "reconcile", what, "--hours", "1",
         "--up-to-now", "--json", "--provider", "stripe"],
        cwd=ROOT,
        env=service.environment,
        capture_output=True,
        text=True,
        timeout=seconds,
    )  # fmt: skip
    assert done.returncode == 0, (done.stdout, done.stderr)
    [run] = json.loads(done.stdout)
    described: dict[str, Any] = run
    return described
