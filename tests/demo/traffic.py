"""Payments of both providers as deliveries, with what happens to deliveries on the way."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from tests.support.paypal_aftermath import disputed as paypal_disputed
from tests.support.paypal_aftermath import refunded as paypal_refunded
from tests.support.paypal_stories import approved_then_paid, authorized_then_captured
from tests.support.paypal_telling import PayPalStory
from tests.support.stripe_aftermath import disputed, refunded, refunded_in_part
from tests.support.stripe_stories import captured_later, declined, paid, paid_at_second_attempt
from tests.support.stripe_telling import VERSIONS, StripeStory

Event = dict[str, Any]
STRIPE = ((paid, 60), (declined, 8), (paid_at_second_attempt, 6), (captured_later, 6),
          (refunded, 8), (refunded_in_part, 6), (disputed, 6))  # fmt: skip
PAYPAL = ((approved_then_paid, 60), (authorized_then_captured, 15), (paypal_refunded, 15),
          (paypal_disputed, 10))  # fmt: skip
STRIPE_SHARE = 0.7
# Of all deliveries.
DOUBLED, LATE, LOST, FORGED = 0.06, 0.08, 0.02, 0.01
BETWEEN_EVENTS_SECONDS = 2.5
LATE_SECONDS = 12.0


@dataclass(frozen=True, order=True)
class Delivery:
    """One event on its way: `at` seconds after the beginning.

    Attributes:
        lost: it never arrives; Stripe's list has it all the same.
        forged: its signature is wrong.
    """

    at: float
    number: int
    provider: str
    event: Event
    lost: bool = False
    forged: bool = False


def deliveries(
    rng: random.Random, start: datetime, seconds: float, payments: int
) -> list[Delivery]:
    """What happens to so many payments that begin within `seconds`, in the order of its arrival."""
    found: list[Delivery] = []
    for _ in range(payments):
        moment = rng.uniform(0, seconds)
        provider, events = _payment(rng)
        for event in events:
            _date(event, provider, start.timestamp() + moment)
            found += _on_the_way(rng, len(found), moment, provider, event)
            moment += rng.expovariate(1 / BETWEEN_EVENTS_SECONDS)
    return sorted(found, key=lambda it: (it.at, it.number))


def events_of_the_past(
    rng: random.Random, now: datetime, hours: int, payments: int
) -> Iterator[Event]:
    """What Stripe made in the hours before, up to some minutes ago."""
    first, last = now.timestamp() - hours * 3600, now.timestamp() - 900
    for _ in range(payments):
        moment = rng.uniform(first, last)
        for event in _stripe(rng):
            _date(event, "stripe", min(moment, last))
            yield event
            moment += rng.uniform(1, 900)


def _on_the_way(
    rng: random.Random, number: int, moment: float, provider: str, event: Event
) -> Iterator[Delivery]:
    delay = rng.expovariate(5)
    if rng.random() < LATE:
        delay += rng.uniform(3, LATE_SECONDS)
    lost = provider == "stripe" and rng.random() < LOST
    yield Delivery(moment + delay, number, provider, event, lost=lost)
    if rng.random() < DOUBLED:
        yield Delivery(moment + delay + rng.uniform(0, 4), number, provider, event)
    if rng.random() < FORGED:
        yield Delivery(moment + delay, number, provider, event, forged=True)


def _payment(rng: random.Random) -> tuple[str, list[Event]]:
    if rng.random() < STRIPE_SHARE:
        return "stripe", _stripe(rng)
    story = PayPalStory(rng)
    [tell] = rng.choices([it[0] for it in PAYPAL], [it[1] for it in PAYPAL])
    tell(story)
    return "paypal", story.events


def _stripe(rng: random.Random) -> list[Event]:
    story = StripeStory(rng, VERSIONS[-1])
    [tell] = rng.choices([it[0] for it in STRIPE], [it[1] for it in STRIPE])
    tell(story)
    return story.events


def _date(event: Event, provider: str, moment: float) -> None:
    """The stories are of the past; these events are of now."""
    if provider == "stripe":
        event["created"] = int(moment)
    else:
        written = datetime.fromtimestamp(moment, UTC).isoformat(timespec="milliseconds")
        event["create_time"] = written.replace("+00:00", "Z")
