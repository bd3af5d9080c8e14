"""A PayPal payment that things happen to; each thing sends the event that PayPal would send.

Worded as PayPal words them: v2 resources, and the sales of v1 that subscriptions still make.
"""

from __future__ import annotations

import copy
import random
import string
from datetime import UTC, datetime, timedelta
from typing import Any

Object = dict[str, Any]
API = "https://api-m.sandbox.paypal.com"
V2 = {
    "order": f"{API}/v2/checkout/orders",
    "authorization": f"{API}/v2/payments/authorizations",
    "capture": f"{API}/v2/payments/captures",
    "refund": f"{API}/v2/payments/refunds",
}
V1 = {
    "payment": f"{API}/v1/payments/payment",
    "sale": f"{API}/v1/payments/sale",
    "refund": f"{API}/v1/payments/refund",
}
CURRENCIES = ("USD", "EUR", "GBP")
START = datetime(2026, 1, 2, 3, 4, 5, 678000, UTC)


class PayPalStory:
    """Tell it what happens, then read `events`, the sums, and `objects()`."""

    def __init__(self, rng: random.Random) -> None:
        self.rng = rng
        self.currency = rng.choice(CURRENCIES)
        self.amount = rng.randrange(500, 50_000)
        self.now = START + timedelta(seconds=rng.randrange(10**7))
        self.events: list[Object] = []
        self.kept: dict[str, Object] = {}
        self.authorized = self.captured = self.refunded = self.disputed = 0
        self.fee: int | None = None
        self.contradictions: set[str] = set()
        self.payment_id = self.id()
        self.authorization: str | None = None
        self.capture: str | None = None
        self.refund_totals: dict[str, int] = {}

    def id(self) -> str:
        return "".join(self.rng.choices(string.ascii_uppercase + string.digits, k=17))

    def time(self) -> str:
        """PayPal writes Zulu times and, for refunds, those of California."""
        return self.now.isoformat(timespec="seconds").replace("+00:00", "Z")

    def money(self, minor: int) -> Object:
        return {"currency_code": self.currency, "value": decimal(minor)}

    def old_money(self, minor: int) -> Object:
        return {"currency": self.currency, "total": decimal(minor)}

    def send(self, event_type: str, kind: str, resource: Object, version: str = "2.0") -> None:
        self.now += timedelta(seconds=self.rng.choice((1, 5, 3600)))
        number = f"WH-{self.id()}-{self.id()}"
        link = f"{API}/v1/notifications/webhooks-events/{number}"
        one = resource.get("id") or resource.get("dispute_id") or resource.get("order_id")
        self.kept[str(one)] = resource
        self.events.append(
            {
                "id": number,
                "event_version": "1.0",
                "create_time": self.now.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
                "resource_type": kind,
                "resource_version": version,
                "event_type": event_type,
                "summary": f"A {event_type} of a made-up payment",
                "resource": copy.deepcopy(resource),
                "links": [{"href": link, "rel": "self", "method": "GET"}],
            }
        )

    def links(self, kind: str, one: str, up: tuple[str, str] | None) -> list[Object]:
        found = [{"href": f"{V2[kind]}/{one}", "rel": "self", "method": "GET"}]
        if up:
            found.append({"href": f"{V2[up[0]]}/{up[1]}", "rel": "up", "method": "GET"})
        return found

    def related(self) -> Object:
        ids = {"order_id": self.payment_id, "authorization_id": self.authorization}
        return {"related_ids": {name: one for name, one in ids.items() if one}}

    def make_order(self, status: str) -> Object:
        return {
            "id": self.payment_id,
            "intent": "AUTHORIZE" if self.authorization else "CAPTURE",
            "status": status,
            "purchase_units": [{"reference_id": "default", "amount": self.money(self.amount)}],
            "create_time": self.time(),
            "links": self.links("order", self.payment_id, None),
        }

    def make_authorization(self, status: str) -> Object:
        self.authorization = self.authorization or self.id()
        return {
            "id": self.authorization,
            "status": status,
            "amount": self.money(self.amount),
            "supplementary_data": {"related_ids": {"order_id": self.payment_id}},
            "create_time": self.time(),
            "expiration_time": self.time(),
            "links": self.links("authorization", self.authorization, ("order", self.payment_id)),
        }

    def make_capture(self, status: str, amount: int, *, final: bool = True) -> Object:
        self.capture = self.id()
        return self.capture_again(status, amount, final=final)

    def capture_again(self, status: str, amount: int, *, final: bool = True) -> Object:
        assert self.capture
        fee = 30 + amount * 3 // 100
        up = ("authorization", self.authorization) if self.authorization else None
        return {
            "id": self.capture,
            "status": status,
            "amount": self.money(amount),
            "final_capture": final,
            "seller_receivable_breakdown": {
                "gross_amount": self.money(amount),
                "paypal_fee": self.money(fee),
                "net_amount": self.money(amount - fee),
            },
            "supplementary_data": self.related(),
            "create_time": self.time(),
            "links": self.links("capture", self.capture, up or ("order", self.payment_id)),
        }

    def fee_of(self, amount: int) -> int:
        return 30 + amount * 3 // 100

    def make_refund(self, amount: int, status: str = "COMPLETED") -> Object:
        """The refund names its capture by a link, and states the total of all refunds of it."""
        assert self.capture
        one = self.id()
        total = self.refund_totals.get(self.capture, 0) + amount
        self.refund_totals[self.capture] = total
        california = self.now - timedelta(hours=7)
        return {
            "id": one,
            "status": status,
            "amount": self.money(amount),
            "seller_payable_breakdown": {
                "gross_amount": self.money(amount),
                "paypal_fee": self.money(0),
                "net_amount": self.money(amount),
                "total_refunded_amount": self.money(total),
            },
            "create_time": california.strftime("%Y-%m-%dT%H:%M:%S-07:00"),
            "links": self.links("refund", one, ("capture", self.capture)),
        }

    def make_dispute(self, amount: int, status: str, one: str, **fields: Any) -> Object:
        return {
            "dispute_id": one,
            "create_time": self.time(),
            "update_time": self.time(),
            "disputed_transactions": [
                {"seller_transaction_id": self.capture, "seller_protection_eligible": True}
            ],
            "reason": "UNAUTHORIZED",
            "status": status,
            "dispute_amount": self.money(amount),
            "dispute_life_cycle_stage": "CHARGEBACK",
            **fields,
        }

    def objects(self) -> list[Object]:
        """What the API answers in the end for each object."""
        return copy.deepcopy(list(self.kept.values()))


def decimal(minor: int) -> str:
    sign, units = ("-" if minor < 0 else ""), abs(minor)
    return f"{sign}{units // 100}.{units % 100:02}"
