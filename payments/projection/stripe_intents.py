"""Payment intents: the payment itself, whose latest status the charges alone do not tell.

Source: docs.stripe.com/payments/paymentintents/lifecycle.
"""

from __future__ import annotations

from typing import Any

from payments.projection.money import Money
from payments.projection.statements import Statements, identifier, objects
from payments.projection.stripe_charges import read_charge
from payments.projection.stripe_snapshots import Snapshot
from payments.projection.vocabulary import (
    CHARGE_STATUS,
    INTENT_AMOUNT,
    INTENT_AUTHORIZED,
    INTENT_FINAL,
    INTENT_RANKS,
    INTENT_RECEIVED,
    INTENT_STATUS,
)

# The names of 2018 are those of sources.
OLD_NAMES = {
    "requires_source": "requires_payment_method",
    "requires_source_action": "requires_action",
}
STATUSES = {**{status: status for status in INTENT_RANKS if status != "failed"}, **OLD_NAMES}
FINAL_TYPES = {f"payment_intent.{status}": status for status in INTENT_FINAL}


def read_intent(says: Statements, intent: Snapshot) -> None:
    pi = identifier(intent.item)
    if pi is None:
        return
    says.money(INTENT_AMOUNT, pi, "amount", intent.money("amount"))
    _read_authorized(says, pi, intent)
    if intent.get("amount_received") is not None:
        says.money(INTENT_RECEIVED, pi, "amount_received", intent.money("amount_received"))
    _read_charges(says, pi, intent)
    _read_status(says, pi, intent)


def _read_authorized(says: Statements, pi: str, intent: Snapshot) -> None:
    """What is held and what was taken; nothing where nothing is held, since that is `received`."""
    if not intent.get("amount_capturable"):
        return
    held = intent.money("amount_capturable")
    taken = intent.money("amount_received")
    if isinstance(held, Money) and isinstance(taken, Money):
        held = Money(held.amount + taken.amount, held.currency)
    says.money(INTENT_AUTHORIZED, pi, "amount_capturable", held)


def _read_charges(says: Statements, pi: str, intent: Snapshot) -> None:
    """`charges.data` until 2022-11-15, then `latest_charge`, an id unless it is expanded."""
    for charge in (*objects(intent.get("charges")), intent.get("latest_charge")):
        if isinstance(charge, dict):
            read_charge(says, intent.of({**charge, "payment_intent": pi}))
    says.link(identifier(intent.get("latest_charge")), pi)


def _read_status(says: Statements, pi: str, intent: Snapshot) -> None:
    """A final status is final; of the others the latest counts, so they carry their time.

    An intent that is processing names its attempt: should that be known to have failed, it is not
    processing, whatever the order of two events within one second.
    """
    value = intent.get("status")
    word = STATUSES.get(value) if isinstance(value, str) else None
    if word is None:
        says.choice(INTENT_STATUS, pi, "status", value, {})
        return
    error = intent.get("last_payment_error")
    if word == "requires_payment_method" and isinstance(error, dict) and error:
        word = "failed"
        _read_failed_attempt(says, pi, error)
    final = word in INTENT_FINAL
    attempt = _latest_charge(intent) if word == "processing" else None
    said = word if final else f"{intent.created} {word}" + (f" {attempt}" if attempt else "")
    says.state(INTENT_STATUS, pi, said)
    expected = FINAL_TYPES.get(intent.event_type)
    if expected and expected != word:
        says.odd("type_vs_object", pi, intent.event_type, expected, word)


def _read_failed_attempt(says: Statements, pi: str, error: dict[str, Any]) -> None:
    if ch := identifier(error.get("charge")):
        says.link(ch, pi)
        says.state(CHARGE_STATUS, ch, "failed")


def _latest_charge(intent: Snapshot) -> str | None:
    latest = identifier(intent.get("latest_charge"))
    charges = objects(intent.get("charges"))
    return latest or (identifier(charges[0]) if charges else None)
