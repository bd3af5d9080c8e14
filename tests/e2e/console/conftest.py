"""A shop with real workers, a provider that can be asked, and a browser, for all of these tests."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import redis
from playwright.sync_api import Browser

from tests.e2e.shop_handlers import BROKEN
from tests.standins.stripe_events import KEY, StripeEvents
from tests.support.browser import Visit
from tests.support.coverage import made
from tests.support.deliveries import encode, stripe_event, stripe_headers
from tests.support.service import ROOT, Service

OPERATOR = "operator-0123456789abcdef0123456789"
VIEWER = "viewer-0123456789abcdef0123456789ab"


class Shop:
    """What goes on outside of the browser."""

    def __init__(self, service: Service, stripe: StripeEvents) -> None:
        self.service = service
        self._stripe = stripe
        self._broken = Path(service.environment["VAR_DIR"]) / BROKEN

    def breaks(self) -> None:
        self._broken.touch()

    def is_mended(self) -> None:
        self._broken.unlink(missing_ok=True)

    def sells(self, number: int = 1, event_type: str = "charge.succeeded") -> None:
        for _ in range(number):
            event = stripe_event(event_type)
            self._stripe.put(event)
            body = encode(event)
            answer = self.service.request("POST", "/webhooks/stripe", body, stripe_headers(body))
            assert answer.status == 200

    def flask(self, *arguments: str) -> str:
        done = subprocess.run(
            [sys.executable, "-m", "flask", "--app", "wsgi", *arguments],
            cwd=ROOT,
            env=self.service.environment,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        return done.stdout


@pytest.fixture(scope="module")
def stripe() -> Iterator[StripeEvents]:
    with StripeEvents() as running:
        yield running


@pytest.fixture(scope="module")
def shop(
    chromium: Browser,
    stripe: StripeEvents,
    valkey_server: str,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Shop]:
    folder = tmp_path_factory.mktemp("shop")
    with redis.Redis.from_url(valkey_server) as client:
        client.flushall()
    made_up = Service(
        folder,
        f"sqlite:///{folder / 'payments.db'}",
        valkey_server,
        ADMIN_TOKEN=f"eve:operator:{OPERATOR},adam:viewer:{VIEWER}",
        PAYMENTS_HANDLERS="tests.e2e.shop_handlers",
        RETRY_MAX_ATTEMPTS="1",
        STRIPE_API_KEY=KEY,
        STRIPE_API_BASE=stripe.url,
    )
    with made_up.started(workers=2) as running:
        yield Shop(running, stripe)


@pytest.fixture(scope="module")
def finding(shop: Shop, stripe: StripeEvents) -> str:
    """The id of an event that Stripe lists, and that cannot be taken in."""
    [event] = made(1)
    event["type"] = "charge." + "x" * 300
    stripe.put(event)
    assert "1 is missing" in shop.flask("reconcile", "run", "--hours", "3")
    return str(event["id"])


@pytest.fixture
def visits(chromium: Browser, shop: Shop) -> Iterator[Callable[[str], Visit]]:
    """Opens a browser of somebody with this token."""
    opened: list[Visit] = []

    def visit(token: str) -> Visit:
        opened.append(Visit(chromium, shop.service.url))
        opened[-1].log_in(token)
        return opened[-1]

    yield visit
    for it in opened:
        it.page.context.close()


@pytest.fixture
def eve(visits: Callable[[str], Visit]) -> Visit:
    return visits(OPERATOR)


@pytest.fixture
def adam(visits: Callable[[str], Visit]) -> Visit:
    return visits(VIEWER)
