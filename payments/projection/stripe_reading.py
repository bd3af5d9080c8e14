"""What Stripe's events and objects state: which reader an object belongs to.

An object is a snapshot of the moment it was rendered, which may be ahead of the event's type, never
behind it. State is read from the object; the type adds what no object says (an authorization that
expired), and a type that is ahead of its object is a contradiction.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime
from typing import Any

from payments.projection.facts import Reading
from payments.projection.statements import Statements, objects, seconds
from payments.projection.stripe_charges import read_charge
from payments.projection.stripe_disputes import read_dispute
from payments.projection.stripe_intents import read_intent
from payments.projection.stripe_links import (
    read_invoice,
    read_invoice_payment,
    read_session,
)
from payments.projection.stripe_refunds import read_refund, read_refund_list
from payments.projection.stripe_snapshots import Snapshot

# The types whose object is about a payment, or names one.
PAYMENT_PREFIXES = (
    "payment_intent", "charge", "refund", "checkout.session", "invoice", "invoice_payment",
)  # fmt: skip
PAYMENT_TYPES = re.compile(rf"({'|'.join(map(re.escape, PAYMENT_PREFIXES))})\..+")
# Before this version a partial capture or a cancellation made a refund: changelog of basil,
# "remove refund from partial capture and payment cancellation flow".
BASIL = "2025-03-31"
VERSION = re.compile(r"\d{4}-\d{2}-\d{2}")

Reader = Callable[[Statements, Snapshot], None]


def is_read_of_stripe(event_type: str) -> bool:
    return PAYMENT_TYPES.fullmatch(event_type) is not None


def read_stripe_event(event_type: str, data: dict[str, Any]) -> Reading:
    """The facts of the event `data`; none where it is thin, or not about a payment."""
    says = Statements()
    wrapper = data.get("data")
    item = wrapper.get("object") if isinstance(wrapper, dict) else None
    if isinstance(item, dict) and is_read_of_stripe(event_type):
        snapshot = Snapshot(
            item,
            event_type=event_type,
            created=seconds(data.get("created")),
            before_basil=_before_basil(data.get("api_version")),
        )
        _reader(item, event_type)(says, snapshot)
    return says.reading()


def read_stripe_object(data: dict[str, Any], fetched_at: datetime | None) -> Reading:
    """The facts of an object from the API, which is taken to be of basil or later."""
    says = Statements()
    created = int(fetched_at.timestamp()) if fetched_at else seconds(data.get("created"))
    snapshot = Snapshot(data, created=created)
    if data.get("object") == "list":
        for item in objects(data):
            _reader(item, "")(says, snapshot.of(item))
        read_refund_list(says, data)
    else:
        _reader(data, "")(says, snapshot)
    return says.reading()


def _reader(item: dict[str, Any], event_type: str) -> Reader:
    """By the object's own word; where it has none (very old events), by the type's."""
    word = item.get("object")
    if not isinstance(word, str):
        word = next((word for pattern, word in WORDS_OF_TYPES if pattern.match(event_type)), "")
    return READERS.get(word, _nothing)


def _nothing(says: Statements, snapshot: Snapshot) -> None:
    """An object that is about no payment."""


def _before_basil(version: Any) -> bool:
    """Whether the event was rendered for a version before basil; so are those without a version."""
    if not isinstance(version, str) or not VERSION.match(version):
        return True
    return version[: len(BASIL)] < BASIL


READERS: dict[str, Reader] = {
    "payment_intent": read_intent,
    "charge": read_charge,
    "refund": read_refund,
    "dispute": read_dispute,
    "checkout.session": read_session,
    "invoice": read_invoice,
    "invoice_payment": read_invoice_payment,
}
WORDS_OF_TYPES = (
    (re.compile(r"payment_intent\."), "payment_intent"),
    (re.compile(r"charge\.dispute\."), "dispute"),
    (re.compile(r"(charge\.)?refund\."), "refund"),
    (re.compile(r"charge\."), "charge"),
)
