"""Whatever stands where a payment's details should, its event is processed like any other."""

from __future__ import annotations

import random
from typing import Any

import pytest

from tests.support.application import Application, MakeApplication
from tests.support.deliveries import encode, unique
from tests.support.lifecycles import lifecycles

CONTENT = {"stripe": "data", "paypal": "resource"}
NUMBER = 150
STRANGE: tuple[Any, ...] = (
    *(None, True, "", "\x00", "\ud800", "é", "x" * 300, -1, 1.5, 10**40, [], {}, [None]),
    *({"id": "\x00"}, "2026-19-01", {"value": "1e9", "currency_code": "EUR"}),
)


@pytest.fixture
def service(make_application: MakeApplication) -> Application:
    return make_application(LOG_LEVEL="ERROR")


def disturbed(value: Any, rng: random.Random) -> Any:
    """`value` with something strange in some places, and with some fields missing."""
    if rng.random() < 0.06:
        return rng.choice(STRANGE)
    if isinstance(value, dict):
        return {key: disturbed(it, rng) for key, it in value.items() if rng.random() > 0.03}
    return [disturbed(it, rng) for it in value] if isinstance(value, list) else value


@pytest.mark.parametrize("provider", CONTENT)
def test_no_content_makes_an_event_fail(service: Application, provider: str) -> None:
    rng = random.Random(7)
    events = [event for life in lifecycles(provider, seed=4) for event in life.events]
    for _ in range(NUMBER):
        event = {**rng.choice(events), "id": unique("evt")}
        event[CONTENT[provider]] = disturbed(event[CONTENT[provider]], rng)
        assert service.deliver(encode(event), provider=provider).status_code in (200, 400)
    service.work()
    kept = service.events(limit=500)
    assert len(kept) > NUMBER // 2
    for event in kept:
        assert (event["status"] in ("processed", "ignored"), event["attempts"]) == (True, 1), event
    assert service.admin("/payments", limit=500).status_code == 200
