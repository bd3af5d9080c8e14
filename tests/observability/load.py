"""Ordinary traffic: deliveries of both providers, duplicates, some that fail, and pages."""

from __future__ import annotations

import contextlib
import http.client
import itertools
import random
import threading
from collections.abc import Iterator

from tests.support.deliveries import (
    demo_headers,
    encode,
    paypal_event,
    stripe_event,
    stripe_headers,
)
from tests.support.service import Service

PER_SECOND = 8.0


@contextlib.contextmanager
def load(service: Service) -> Iterator[None]:
    """In the background, for the time of the block; whatever the answers are."""
    ended = threading.Event()
    sender = threading.Thread(target=_send, args=(service, ended), daemon=True)
    sender.start()
    try:
        yield
    finally:
        ended.set()
        sender.join(30)


def _send(service: Service, ended: threading.Event) -> None:
    for number in itertools.count():
        if ended.wait(random.expovariate(PER_SECOND)):
            return
        with contextlib.suppress(OSError, http.client.HTTPException):
            _one(service, number)


def _one(service: Service, number: int) -> None:
    if number % 20 == 3:
        service.request("GET", "/no/such/page")
    elif number % 20 == 7:
        service.request("GET", "/reconciliation/summary?hours_back=24")
    elif number % 4 == 1:
        body = encode(paypal_event())
        service.request("POST", "/webhooks/paypal", body, demo_headers(body))
    else:
        body = encode(
            stripe_event("charge.failed" if number % 40 == 6 else "payment_intent.created")
        )
        secret = {"secret": "whsec_not_this_one"} if number % 40 == 18 else {}
        headers = stripe_headers(body, **secret)
        service.request("POST", "/webhooks/stripe", body, headers)
        if number % 10 == 0:
            service.request("POST", "/webhooks/stripe", body, headers)
