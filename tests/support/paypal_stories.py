"""Stories of PayPal payments, from the order to the capture or the failure.

A story tells the status that its payment must have in the end.
"""

from __future__ import annotations

from collections.abc import Callable

from tests.support.paypal_steps import approve, capture, count, pend, refund, void
from tests.support.paypal_telling import PayPalStory

Story = Callable[[PayPalStory], str]
PAYPAL_STORIES: dict[str, Story] = {}


def told(story: Story) -> Story:
    PAYPAL_STORIES[story.__name__] = story
    return story


@told
def approved_then_paid(story: PayPalStory) -> str:
    approve(story)
    capture(story, story.amount)
    return "captured"


@told
def order_completed(story: PayPalStory) -> str:
    approved_then_paid(story)
    order = story.make_order("COMPLETED")
    order["purchase_units"][0]["payments"] = {"captures": [story.kept[str(story.capture)]]}
    story.send("CHECKOUT.ORDER.COMPLETED", "checkout-order", order)
    return "captured"


@told
def approval_reversed_after_pending(story: PayPalStory) -> str:
    approve(story)
    pend(story)
    resource = story.capture_again("DECLINED", story.amount)
    story.send("PAYMENT.CAPTURE.DECLINED", "capture", resource)
    reversal = {"order_id": story.payment_id, "purchase_units": []}
    story.send("CHECKOUT.PAYMENT-APPROVAL.REVERSED", "checkout-order", reversal)
    story.kept[story.payment_id] = story.make_order("VOIDED")
    return "canceled"


@told
def paid(story: PayPalStory) -> str:
    capture(story, story.amount)
    return "captured"


@told
def capture_pending(story: PayPalStory) -> str:
    pend(story)
    return "processing"


@told
def capture_completed_after_pending(story: PayPalStory) -> str:
    pend(story)
    resource = story.capture_again("COMPLETED", story.amount)
    story.send("PAYMENT.CAPTURE.COMPLETED", "capture", resource)
    count(story, story.amount)
    story.authorized = story.captured
    return "captured"


@told
def capture_declined_after_pending(story: PayPalStory) -> str:
    pend(story)
    resource = story.capture_again("DECLINED", story.amount)
    story.send("PAYMENT.CAPTURE.DECLINED", "capture", resource)
    return "failed"


@told
def authorized(story: PayPalStory) -> str:
    resource = story.make_authorization("CREATED")
    story.send("PAYMENT.AUTHORIZATION.CREATED", "authorization", resource)
    story.authorized = story.amount
    return "authorized"


@told
def authorization_voided(story: PayPalStory) -> str:
    authorized(story)
    void(story)
    return "canceled"


@told
def authorized_then_captured(story: PayPalStory) -> str:
    authorized(story)
    capture(story, story.amount)
    return "captured"


@told
def captured_in_part(story: PayPalStory) -> str:
    authorized(story)
    capture(story, story.amount // 3, final=False)
    return "partially_captured"


@told
def captured_in_two_parts(story: PayPalStory) -> str:
    captured_in_part(story)
    capture(story, story.amount - story.captured)
    return "captured"


@told
def captured_in_part_then_voided(story: PayPalStory) -> str:
    captured_in_part(story)
    void(story)
    return "captured"


@told
def captured_in_part_then_refunded(story: PayPalStory) -> str:
    captured_in_part(story)
    refund(story, story.captured)
    return "refunded"
