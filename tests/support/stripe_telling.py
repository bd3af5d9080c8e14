"""A Stripe payment that things happen to; each thing sends the events that Stripe would send.

Worded as Stripe words them (docs.stripe.com/api), in one of three dialects: charges within the
intent and refunds as releases (2020), refunds as releases (2024), and neither (since basil).
"""

from __future__ import annotations

import copy
import random
import string
from typing import Any

Object = dict[str, Any]
VERSIONS = ("2020-08-27", "2024-12-18.acacia", "2026-06-24.dahlia")
CURRENCIES = ("usd", "eur", "gbp")
DISPUTE_FEE = 1500
START = 1_700_000_000


class StripeStory:
    """Tell it what happens, then read `events`, the sums, and `objects()`."""

    def __init__(self, rng: random.Random, version: str | None = None) -> None:
        self.rng = rng
        self.version = version or rng.choice(VERSIONS)
        self.nested = self.version < "2022-11-15"
        self.before_basil = self.version < "2025-03-31"
        self.currency = rng.choice(CURRENCIES)
        self.amount = rng.randrange(500, 50_000)
        self.now = START + rng.randrange(10**7)
        self.payment_id = self.id("pi")
        self.events: list[Object] = []
        self.charges: list[Object] = []
        self.refunds: list[Object] = []
        self.disputes: list[Object] = []
        # The refunds of before basil that are none: what was authorized and never captured.
        self.releases: list[Object] = []
        self.authorized = self.captured = self.refunded = self.disputed = 0
        self.fee: int | None = None
        self.contradictions: set[str] = set()
        self.intent: Object = {
            "id": self.payment_id,
            "object": "payment_intent",
            "amount": self.amount,
            "amount_capturable": 0,
            "amount_received": 0,
            "canceled_at": None,
            "capture_method": "automatic",
            "client_secret": f"{self.payment_id}_secret_{self.id('x')}",
            "created": self.now,
            "currency": self.currency,
            "last_payment_error": None,
            "latest_charge": None,
            "livemode": False,
            "metadata": {},
            "payment_method_types": ["card"],
            "status": "requires_payment_method",
        }

    def id(self, prefix: str) -> str:
        letters = string.ascii_letters + string.digits
        return f"{prefix}_" + "".join(self.rng.choices(letters, k=24))

    def wait(self) -> None:
        """Things that happen to a payment are at least a second apart."""
        self.now += self.rng.choice((1, 5, 3600))

    def send(self, event_type: str, item: Object) -> None:
        self.events.append(
            {
                "id": self.id("evt"),
                "object": "event",
                "api_version": self.version,
                "created": self.now,
                "data": {"object": copy.deepcopy(self.rendered(item))},
                "livemode": False,
                "pending_webhooks": 1,
                "request": {"id": self.id("req"), "idempotency_key": None},
                "type": event_type,
            }
        )

    def rendered(self, item: Object) -> Object:
        """As the version words it: `charges.data` and `refunds.data` are of the old one."""
        if not self.nested or item["object"] not in ("payment_intent", "charge"):
            return item
        if item["object"] == "charge":
            mine = [refund for refund in self.refunds if refund["charge"] == item["id"]]
            return {**item, "refunds": self.listed(mine)}
        latest = [self.rendered(charge) for charge in self.charges[-1:]]
        old = {key: value for key, value in item.items() if key != "latest_charge"}
        return {**old, "charges": self.listed(latest)}

    def listed(self, items: list[Object]) -> Object:
        return {"object": "list", "data": items, "has_more": False, "total_count": len(items)}

    def set(self, status: str, **fields: Any) -> None:
        self.intent.update(status=status, **fields)

    def attempt(self, status: str, *, captured: bool = True) -> Object:
        """A new charge, which the intent names as its latest."""
        taken = self.amount if captured and status == "succeeded" else 0
        charge: Object = {
            "id": self.id("ch"),
            "object": "charge",
            "amount": self.amount,
            "amount_captured": taken,
            "amount_refunded": 0,
            "balance_transaction": self.id("txn") if taken else None,
            "captured": bool(taken),
            "created": self.now,
            "currency": self.currency,
            "disputed": False,
            "failure_balance_transaction": None,
            "failure_code": "card_declined" if status == "failed" else None,
            "livemode": False,
            "paid": status == "succeeded",
            "payment_intent": self.payment_id,
            "refunded": False,
            "status": status,
        }
        self.charges.append(charge)
        self.intent["latest_charge"] = charge["id"]
        return charge

    def make_refund(self, amount: int, status: str = "succeeded") -> Object:
        charge = self.charges[-1]
        refund: Object = {
            "id": self.id("re"),
            "object": "refund",
            "amount": amount,
            "balance_transaction": self.id("txn"),
            "charge": charge["id"],
            "created": self.now,
            "currency": self.currency,
            "payment_intent": self.payment_id,
            "reason": None,
            "status": status,
        }
        self.refunds.append(refund)
        charge["amount_refunded"] += amount
        charge["refunded"] = charge["amount_refunded"] == charge["amount"]
        return refund

    def make_dispute(self, amount: int, status: str) -> Object:
        charge = self.charges[-1]
        dispute: Object = {
            "id": self.id("du"),
            "object": "dispute",
            "amount": amount,
            "balance_transactions": [],
            "charge": charge["id"],
            "created": self.now,
            "currency": self.currency,
            "is_charge_refundable": False,
            "livemode": False,
            "payment_intent": self.payment_id,
            "reason": "fraudulent",
            "status": status,
        }
        self.disputes.append(dispute)
        charge["disputed"] = True
        return dispute

    def move(self, dispute: Object, amount: int, fee: int) -> None:
        dispute["balance_transactions"].append(
            {
                "id": self.id("txn"),
                "object": "balance_transaction",
                "amount": amount,
                "created": self.now,
                "currency": self.currency,
                "fee": fee,
                "net": amount - fee,
                "type": "adjustment",
            }
        )

    def objects(self) -> list[Object]:
        """What the API answers in the end, in its latest version, which knows no releases."""
        charges = copy.deepcopy(self.charges)
        if charges:
            charges[-1]["amount_refunded"] -= sum(release["amount"] for release in self.releases)
        intent = {**self.intent, "latest_charge": charges[-1] if charges else None}
        refunds = [refund for refund in self.refunds if refund not in self.releases]
        return copy.deepcopy([intent, *charges[:-1], self.listed(refunds), *self.disputes])
