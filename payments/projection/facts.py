"""The vocabulary that reading events, keeping facts and folding them into a payment share."""

from __future__ import annotations

from dataclasses import dataclass

# From most to least urgent to know; the first that fits is a payment's status.
STATUSES = (
    "disputed",
    "charged_back",
    "reversed",
    "refunded",
    "partially_refunded",
    "partially_captured",
    "captured",
    "canceled",
    "authorized",
    "processing",
    "requires_action",
    "failed",
    "created",
    "unknown",
)
# The kind of the fact that `object_id` is a part of the object named by `value`.
PARENT = "parent"
LONGEST_VALUE = 255


@dataclass(frozen=True, order=True)
class Fact:
    """One thing that an event states about one object of a provider.

    Attributes:
        kind: what is stated, as in "charge.captured"; `PARENT` links two objects.
        object_id: the provider's id of the object it is about.
        value: what is stated, as a text of at most 255 characters with one spelling for each
            meaning: amounts in minor units with their currency, as in "1250 EUR".
    """

    kind: str
    object_id: str
    value: str


@dataclass(frozen=True)
class Reading:
    """What one event states: no facts where it is not about a payment."""

    facts: frozenset[Fact]


@dataclass(frozen=True, order=True)
class Contradiction:
    """Facts that do not agree; a finding, whose `detail` tells it from others of its kind."""

    kind: str
    detail: str = ""
    expected: str | None = None
    found: str | None = None


@dataclass(frozen=True, kw_only=True)
class Projection:
    """What a payment is, by all facts that belong together.

    Amounts are whole minor units of ISO 4217 in `currency`; `amount_fee` in `fee_currency`.
    """

    payment_id: str
    status: str
    currency: str | None
    amount_authorized: int = 0
    amount_captured: int = 0
    amount_refunded: int = 0
    amount_disputed: int = 0
    amount_fee: int | None = None
    fee_currency: str | None = None
    contradictions: frozenset[Contradiction] = frozenset()
