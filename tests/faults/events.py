"""The events of a run: of which kinds, and what each kind must come to."""

from __future__ import annotations

import hashlib
import random
from dataclasses import dataclass
from functools import cached_property

from tests.support.deliveries import encode, paypal_event, stripe_event

ACCOUNT = "default"
HANDLED = {"stripe": "payment_intent.succeeded", "paypal": "PAYMENT.CAPTURE.COMPLETED"}
UNHANDLED = {"stripe": "plan.created", "paypal": "CATALOG.PRODUCT.CREATED"}
# How often each kind comes, in a thousand. What each does: tests/faults/handlers.py.
ORDINARY = {
    "plain": 760,
    "outside": 80,
    "flaky": 40,
    "flaky_outside": 20,
    "slow": 30,
    "later": 15,
    "exits": 10,
    "exits_outside": 5,
    "refused": 5,
    "hopeless": 3,
    "ignored": 32,
}
# Kinds that can end in one way only; all others end as processed, or dead where they were unlucky.
ONLY_END = {"refused": "dead", "hopeless": "dead", "killer": "dead", "ignored": "ignored"}


@dataclass(frozen=True)
class SentEvent:
    """One event as its provider knows it."""

    number: int
    provider: str
    event_id: str
    kind: str
    body: bytes

    @property
    def key(self) -> tuple[str, str, str]:
        return (self.provider, ACCOUNT, self.event_id)

    @cached_property
    def sha256(self) -> str:
        return hashlib.sha256(self.body).hexdigest()


def make_event(number: int, rng: random.Random, run: str, kind: str | None = None) -> SentEvent:
    """Event `number` of the run; of an ordinary kind unless one is given."""
    provider = "stripe" if rng.random() < 0.6 else "paypal"
    kind = kind or rng.choices(list(ORDINARY), list(ORDINARY.values()))[0]
    event_type = (UNHANDLED if kind == "ignored" else HANDLED)[provider]
    filler = "x" * rng.randrange(400)
    if provider == "stripe":
        event_id = f"evt_{run}{number:07d}"
        about = {
            "id": f"pi_{run}{number:07d}",
            "object": "payment_intent",
            "amount": 2000,
            "currency": "eur",
            "description": filler,
            "metadata": {"kind": kind},
        }
        event = stripe_event(event_type, id=event_id, data={"object": about})
    else:
        event_id = f"WH-{run}{number:07d}"
        capture = {
            "id": f"CAP{run}{number:07d}",
            "amount": {"currency_code": "USD", "value": "30.00"},
            "custom_id": kind,
            "note_to_payer": filler,
        }
        event = paypal_event(event_type, id=event_id, resource=capture)
    return SentEvent(number, provider, event_id, kind, encode(event))
