"""What happens to PayPal payments: steps, and stories that are made of them.

A story tells the status that its payment must have in the end; the sums are kept step by step.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tests.support.paypal_telling import V1, PayPalStory

__all__ = ["PAYPAL_STORIES", "PayPalStory"]


def approved_then_paid(story: PayPalStory) -> str:
    _approve(story)
    _capture(story, story.amount)
    return "captured"


def order_completed(story: PayPalStory) -> str:
    approved_then_paid(story)
    order = story.make_order("COMPLETED")
    order["purchase_units"][0]["payments"] = {"captures": [story.kept[str(story.capture)]]}
    story.send("CHECKOUT.ORDER.COMPLETED", "checkout-order", order)
    return "captured"


def approval_reversed_after_pending(story: PayPalStory) -> str:
    _approve(story)
    _pend(story)
    capture = story.capture_again("DECLINED", story.amount)
    story.send("PAYMENT.CAPTURE.DECLINED", "capture", capture)
    reversal = {"order_id": story.payment_id, "purchase_units": []}
    story.send("CHECKOUT.PAYMENT-APPROVAL.REVERSED", "checkout-order", reversal)
    story.kept[story.payment_id] = story.make_order("VOIDED")
    return "canceled"


def paid(story: PayPalStory) -> str:
    _capture(story, story.amount)
    return "captured"


def capture_pending(story: PayPalStory) -> str:
    _pend(story)
    return "processing"


def capture_completed_after_pending(story: PayPalStory) -> str:
    _pend(story)
    capture = story.capture_again("COMPLETED", story.amount)
    story.send("PAYMENT.CAPTURE.COMPLETED", "capture", capture)
    _count(story, story.amount)
    story.authorized = story.captured
    return "captured"


def capture_declined_after_pending(story: PayPalStory) -> str:
    _pend(story)
    capture = story.capture_again("DECLINED", story.amount)
    story.send("PAYMENT.CAPTURE.DECLINED", "capture", capture)
    return "failed"


def authorized(story: PayPalStory) -> str:
    resource = story.make_authorization("CREATED")
    story.send("PAYMENT.AUTHORIZATION.CREATED", "authorization", resource)
    story.authorized = story.amount
    return "authorized"


def authorization_voided(story: PayPalStory) -> str:
    authorized(story)
    _void(story)
    return "canceled"


def authorized_then_captured(story: PayPalStory) -> str:
    authorized(story)
    _capture(story, story.amount)
    return "captured"


def captured_in_part(story: PayPalStory) -> str:
    authorized(story)
    _capture(story, story.amount // 3, final=False)
    return "partially_captured"


def captured_in_two_parts(story: PayPalStory) -> str:
    captured_in_part(story)
    _capture(story, story.amount - story.captured)
    return "captured"


def captured_in_part_then_voided(story: PayPalStory) -> str:
    captured_in_part(story)
    _void(story)
    return "captured"


def captured_in_part_then_refunded(story: PayPalStory) -> str:
    captured_in_part(story)
    _refund(story, story.captured)
    return "refunded"


def refunded(story: PayPalStory) -> str:
    authorized_then_captured(story)
    _refund(story, story.amount)
    return "refunded"


def two_partial_refunds(story: PayPalStory) -> str:
    paid(story)
    _refund(story, story.amount // 4)
    _refund(story, story.amount // 4)
    return "partially_refunded"


def reversed_by_paypal(story: PayPalStory) -> str:
    paid(story)
    resource = story.make_refund(story.amount)
    story.send("PAYMENT.CAPTURE.REVERSED", "refund", resource)
    story.refunded += story.amount
    return "reversed"


def disputed(story: PayPalStory) -> str:
    paid(story)
    _dispute(story, "CREATED", "OPEN", story.id())
    return "disputed"


def dispute_won(story: PayPalStory) -> str:
    paid(story)
    one = story.id()
    _dispute(story, "CREATED", "OPEN", one)
    _dispute(story, "UPDATED", "UNDER_REVIEW", one)
    _resolve(story, one, "RESOLVED_SELLER_FAVOUR")
    return "captured"


def dispute_lost(story: PayPalStory) -> str:
    """What it costs is a reversal; the dispute itself counts no more."""
    paid(story)
    one = story.id()
    _dispute(story, "CREATED", "OPEN", one)
    _resolve(story, one, "RESOLVED_BUYER_FAVOUR")
    story.send("PAYMENT.CAPTURE.REVERSED", "refund", story.make_refund(story.amount))
    story.refunded += story.amount
    return "reversed"


def dispute_lost_and_nothing_moved(story: PayPalStory) -> str:
    paid(story)
    one = story.id()
    _dispute(story, "CREATED", "OPEN", one)
    _resolve(story, one, "RESOLVED_BUYER_FAVOUR")
    story.contradictions.add("lost_without_money_movement")
    return "captured"


def sale_of_a_subscription(story: PayPalStory) -> str:
    """v1: the sale is the payment, since nothing is above it."""
    story.payment_id = story.id()
    _sale(story, "completed", {"billing_agreement_id": f"I-{story.id()[:12]}"})
    return "captured"


def sale_refunded(story: PayPalStory) -> str:
    """v1: the refund names the sale and the payment of both."""
    sale = story.id()
    story.payment_id = f"PAY-{story.id()}"
    _sale(story, "completed", {"id": sale, "parent_payment": story.payment_id})
    one = story.id()
    refund = {
        "id": one,
        "state": "completed",
        "amount": story.old_money(-story.amount),
        "sale_id": sale,
        "parent_payment": story.payment_id,
        "create_time": story.time(),
        "links": [
            {"href": f"{V1['refund']}/{one}", "rel": "self", "method": "GET"},
            {"href": f"{V1['sale']}/{sale}", "rel": "sale", "method": "GET"},
        ],
    }
    story.send("PAYMENT.SALE.REFUNDED", "sale", refund, "1.0")
    story.refunded += story.amount
    return "refunded"


def sale_held_then_released(story: PayPalStory) -> str:
    """A pending event whose sale is completed, with a hold, as PayPal really sent it."""
    sale = story.id()
    story.payment_id = f"PAYID-{story.id()}"
    fields = {"id": sale, "parent_payment": story.payment_id, "payment_hold_status": "HELD"}
    _sale(story, "completed", fields, "PENDING")
    _sale(story, "completed", {**fields, "payment_hold_status": None}, "COMPLETED")
    return "captured"


def _approve(story: PayPalStory) -> None:
    story.send("CHECKOUT.ORDER.APPROVED", "checkout-order", story.make_order("APPROVED"))


def _pend(story: PayPalStory) -> None:
    resource = story.make_capture("PENDING", story.amount)
    story.send("PAYMENT.CAPTURE.PENDING", "capture", resource)


def _capture(story: PayPalStory, amount: int, *, final: bool = True) -> None:
    resource = story.make_capture("COMPLETED", amount, final=final)
    story.send("PAYMENT.CAPTURE.COMPLETED", "capture", resource)
    _count(story, amount)
    if not story.authorization:
        story.authorized = story.captured


def _count(story: PayPalStory, amount: int) -> None:
    story.captured += amount
    story.fee = (story.fee or 0) + story.fee_of(amount)


def _void(story: PayPalStory) -> None:
    resource = story.make_authorization("VOIDED")
    story.send("PAYMENT.AUTHORIZATION.VOIDED", "authorization", resource)


def _refund(story: PayPalStory, amount: int) -> None:
    story.send("PAYMENT.CAPTURE.REFUNDED", "refund", story.make_refund(amount))
    story.refunded += amount


def _dispute(story: PayPalStory, what: str, status: str, one: str) -> None:
    resource = story.make_dispute(story.amount, status, one)
    story.send(f"CUSTOMER.DISPUTE.{what}", "dispute", resource)
    story.disputed = story.amount


def _resolve(story: PayPalStory, one: str, outcome: str) -> None:
    code = {"outcome_code": outcome}
    resource = story.make_dispute(story.amount, "RESOLVED", one, dispute_outcome=code)
    story.send("CUSTOMER.DISPUTE.RESOLVED", "dispute", resource)
    story.disputed = 0


def _sale(story: PayPalStory, state: str, fields: dict[str, Any], what: str = "COMPLETED") -> None:
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


PAYPAL_STORIES: dict[str, Callable[[PayPalStory], str]] = {
    story.__name__: story
    for story in (
        approved_then_paid,
        order_completed,
        approval_reversed_after_pending,
        paid,
        capture_pending,
        capture_completed_after_pending,
        capture_declined_after_pending,
        authorized,
        authorization_voided,
        authorized_then_captured,
        captured_in_part,
        captured_in_two_parts,
        captured_in_part_then_voided,
        captured_in_part_then_refunded,
        refunded,
        two_partial_refunds,
        reversed_by_paypal,
        disputed,
        dispute_won,
        dispute_lost,
        dispute_lost_and_nothing_moved,
        sale_of_a_subscription,
        sale_refunded,
        sale_held_then_released,
    )
}
