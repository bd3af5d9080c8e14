"""What can happen to a PayPal payment; the sums are kept step by step."""

from __future__ import annotations

from typing import Any

from tests.support.paypal_telling import V1, PayPalStory


def approve(story: PayPalStory) -> None:
    story.send("CHECKOUT.ORDER.APPROVED", "checkout-order", story.make_order("APPROVED"))


def pend(story: PayPalStory) -> None:
    resource = story.make_capture("PENDING", story.amount)
    story.send("PAYMENT.CAPTURE.PENDING", "capture", resource)


def capture(story: PayPalStory, amount: int, *, final: bool = True) -> None:
    resource = story.make_capture("COMPLETED", amount, final=final)
    story.send("PAYMENT.CAPTURE.COMPLETED", "capture", resource)
    count(story, amount)
    if not story.authorization:
        story.authorized = story.captured


def count(story: PayPalStory, amount: int) -> None:
    story.captured += amount
    story.fee = (story.fee or 0) + story.fee_of(amount)


def void(story: PayPalStory) -> None:
    resource = story.make_authorization("VOIDED")
    story.send("PAYMENT.AUTHORIZATION.VOIDED", "authorization", resource)


def refund(story: PayPalStory, amount: int) -> None:
    story.send("PAYMENT.CAPTURE.REFUNDED", "refund", story.make_refund(amount))
    story.refunded += amount


def dispute(story: PayPalStory, what: str, status: str, one: str) -> None:
    resource = story.make_dispute(story.amount, status, one)
    story.send(f"CUSTOMER.DISPUTE.{what}", "dispute", resource)
    story.disputed = story.amount


def resolve_dispute(story: PayPalStory, one: str, outcome: str) -> None:
    code = {"outcome_code": outcome}
    resource = story.make_dispute(story.amount, "RESOLVED", one, dispute_outcome=code)
    story.send("CUSTOMER.DISPUTE.RESOLVED", "dispute", resource)
    story.disputed = 0


def sell(story: PayPalStory, state: str, fields: dict[str, Any], what: str = "COMPLETED") -> None:
    one = fields.get("id", story.payment_id)
    fee = story.fee_of(story.amount)
    sale = {
        "id": one,
        "state": state,
        "amount": story.old_money(story.amount),
        "payment_mode": "INSTANT_TRANSFER",
        "transaction_fee": {"currency": story.currency, "value": f"{fee // 100}.{fee % 100:02}"},
        "create_time": story.time(),
        "links": [{"href": f"{V1['sale']}/{one}", "rel": "self", "method": "GET"}],
        **fields,
    }
    story.send(f"PAYMENT.SALE.{what}", "sale", sale, "1.0")
    story.authorized = story.captured = story.amount
    story.fee = fee
