"""Lives of payments as the providers tell them: all events of each, and what must come of it.

    lives = lifecycles("stripe", seed=7)          # one of every story
    lives = random_lifecycles("paypal", seed=7, number=200)

Ids and amounts follow from the seed. The events are in the order in which they happened; a test
delivers them in any other. What is expected is kept by the story as it goes, by plain addition, and
shares nothing with the code that folds events.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from payments.projection.facts import Projection
from tests.support import paypal_aftermath, stripe_aftermath  # noqa: F401 - they tell stories
from tests.support.paypal_stories import PAYPAL_STORIES
from tests.support.paypal_telling import PayPalStory
from tests.support.stripe_stories import STRIPE_STORIES
from tests.support.stripe_telling import StripeStory

Event = dict[str, Any]
TYPE_FIELDS = {"stripe": "type", "paypal": "event_type"}


@dataclass(frozen=True, kw_only=True)
class Lifecycle:
    """One payment's life.

    Attributes:
        name: of the story, as in "two_partial_refunds".
        events: complete payloads, in the order of what happened.
        expected: the payment in the end; its contradictions are in `contradictions`.
        contradictions: the kinds of those that must be found, in the end.
        objects: what the provider's API would answer for the payment's objects in the end.
    """

    name: str
    provider: str
    events: tuple[Event, ...]
    expected: Projection
    contradictions: frozenset[str]
    objects: tuple[Event, ...]

    def types(self) -> list[str]:
        return [event[TYPE_FIELDS[self.provider]] for event in self.events]


def lifecycles(provider: str, seed: int = 0) -> list[Lifecycle]:
    """One life of each story."""
    return [_tell(provider, name, random.Random(f"{seed} {name}")) for name in _stories(provider)]


def random_lifecycles(provider: str, seed: int, number: int) -> list[Lifecycle]:
    """`number` lives, each of a story that the seed picks."""
    rng = random.Random(seed)
    names = list(_stories(provider))
    picked = [rng.choice(names) for _ in range(number)]
    return [_tell(provider, name, random.Random(f"{seed} {n}")) for n, name in enumerate(picked)]


def _stories(provider: str) -> dict[str, Callable[[Any], str]]:
    return STRIPE_STORIES if provider == "stripe" else PAYPAL_STORIES


def _tell(provider: str, name: str, rng: random.Random) -> Lifecycle:
    story = StripeStory(rng) if provider == "stripe" else PayPalStory(rng)
    status = _stories(provider)[name](story)
    expected = Projection(
        payment_id=story.payment_id,
        status=status,
        currency=story.currency.upper(),
        amount_authorized=story.authorized,
        amount_captured=story.captured,
        amount_refunded=story.refunded,
        amount_disputed=story.disputed,
        amount_fee=story.fee,
        fee_currency=None if story.fee is None else story.currency.upper(),
    )
    return Lifecycle(
        name=name,
        provider=provider,
        events=tuple(story.events),
        expected=expected,
        contradictions=frozenset(story.contradictions),
        objects=tuple(story.objects()),
    )
