"""Stories of PayPal payments that were paid: refunds, reversals, disputes, and sales of v1."""

from __future__ import annotations

from tests.support.paypal_steps import dispute, refund, resolve_dispute, sell
from tests.support.paypal_stories import authorized_then_captured, paid, told
from tests.support.paypal_telling import V1, PayPalStory


@told
def refunded(story: PayPalStory) -> str:
    authorized_then_captured(story)
    refund(story, story.amount)
    return "refunded"


@told
def two_partial_refunds(story: PayPalStory) -> str:
    paid(story)
    refund(story, story.amount // 4)
    refund(story, story.amount // 4)
    return "partially_refunded"


@told
def reversed_by_paypal(story: PayPalStory) -> str:
    paid(story)
    resource = story.make_refund(story.amount)
    story.send("PAYMENT.CAPTURE.REVERSED", "refund", resource)
    story.refunded += story.amount
    return "reversed"


@told
def disputed(story: PayPalStory) -> str:
    paid(story)
    dispute(story, "CREATED", "OPEN", story.id())
    return "disputed"


@told
def dispute_won(story: PayPalStory) -> str:
    paid(story)
    one = story.id()
    dispute(story, "CREATED", "OPEN", one)
    dispute(story, "UPDATED", "UNDER_REVIEW", one)
    resolve_dispute(story, one, "RESOLVED_SELLER_FAVOUR")
    return "captured"


@told
def dispute_lost(story: PayPalStory) -> str:
    """What it costs is a reversal; the dispute itself counts no more."""
    paid(story)
    one = story.id()
    dispute(story, "CREATED", "OPEN", one)
    resolve_dispute(story, one, "RESOLVED_BUYER_FAVOUR")
    story.send("PAYMENT.CAPTURE.REVERSED", "refund", story.make_refund(story.amount))
    story.refunded += story.amount
    return "reversed"


@told
def dispute_lost_and_nothing_moved(story: PayPalStory) -> str:
    paid(story)
    one = story.id()
    dispute(story, "CREATED", "OPEN", one)
    resolve_dispute(story, one, "RESOLVED_BUYER_FAVOUR")
    story.contradictions.add("lost_without_money_movement")
    return "captured"


@told
def sale_of_a_subscription(story: PayPalStory) -> str:
    """v1: the sale is the payment, since nothing is above it."""
    story.payment_id = story.id()
    sell(story, "completed", {"billing_agreement_id": f"I-{story.id()[:12]}"})
    return "captured"


@told
def sale_refunded(story: PayPalStory) -> str:
    """v1: the refund names the sale and the payment of both."""
    sale = story.id()
    story.payment_id = f"PAY-{story.id()}"
    sell(story, "completed", {"id": sale, "parent_payment": story.payment_id})
    one = story.id()
    resource = {
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
    story.send("PAYMENT.SALE.REFUNDED", "sale", resource, "1.0")
    story.refunded += story.amount
    return "refunded"


@told
def sale_held_then_released(story: PayPalStory) -> str:
    """A pending event whose sale is completed, with a hold, as PayPal really sent it."""
    sale = story.id()
    story.payment_id = f"PAYID-{story.id()}"
    fields = {"id": sale, "parent_payment": story.payment_id, "payment_hold_status": "HELD"}
    sell(story, "completed", fields, "PENDING")
    sell(story, "completed", {**fields, "payment_hold_status": None}, "COMPLETED")
    return "captured"
