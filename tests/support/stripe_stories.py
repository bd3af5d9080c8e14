"""Stories of Stripe payments, from the first attempt to the capture or the failure.

A story tells the status that its payment must have in the end.
"""

from __future__ import annotations

from collections.abc import Callable

from tests.support.stripe_steps import capture_up_to, decline, refund, release, succeed, take
from tests.support.stripe_telling import StripeStory

Story = Callable[[StripeStory], str]
STRIPE_STORIES: dict[str, Story] = {}


def told(story: Story) -> Story:
    STRIPE_STORIES[story.__name__] = story
    return story


@told
def created(story: StripeStory) -> str:
    story.send("payment_intent.created", story.intent)
    story.wait()
    return "created"


@told
def asked_to_authenticate(story: StripeStory) -> str:
    created(story)
    story.set("requires_action")
    story.send("payment_intent.requires_action", story.intent)
    story.wait()
    return "requires_action"


@told
def declined(story: StripeStory) -> str:
    created(story)
    decline(story)
    return "failed"


@told
def authentication_failed_within_a_second(story: StripeStory) -> str:
    created(story)
    story.set("requires_action")
    story.send("payment_intent.requires_action", story.intent)
    decline(story)
    return "failed"


@told
def paid(story: StripeStory) -> str:
    created(story)
    succeed(story)
    return "captured"


@told
def paid_at_second_attempt(story: StripeStory) -> str:
    declined(story)
    succeed(story)
    return "captured"


@told
def authorized(story: StripeStory) -> str:
    story.intent["capture_method"] = "manual"
    created(story)
    charge = story.attempt("succeeded", captured=False)
    story.set("requires_capture", amount_capturable=story.amount, last_payment_error=None)
    story.authorized = story.amount
    story.send("charge.succeeded", charge)
    story.send("payment_intent.amount_capturable_updated", story.intent)
    story.wait()
    return "authorized"


@told
def captured_later(story: StripeStory) -> str:
    authorized(story)
    capture_up_to(story, story.amount)
    return "captured"


@told
def captured_in_part(story: StripeStory) -> str:
    """The rest is released, which before basil is a refund that is none."""
    authorized(story)
    capture_up_to(story, story.amount * 2 // 3)
    return "captured"


@told
def captured_in_part_then_refunded(story: StripeStory) -> str:
    captured_in_part(story)
    refund(story, story.captured)
    return "refunded"


@told
def captured_twice(story: StripeStory) -> str:
    """Multicapture: between the two the payment is captured in part."""
    captured_once(story)
    first = story.captured
    capture_up_to(story, story.amount)
    assert story.captured > first
    return "captured"


@told
def captured_once(story: StripeStory) -> str:
    authorized(story)
    part = story.amount // 3
    charge = story.charges[-1]
    charge.update(amount_captured=part, captured=True)
    story.captured = part
    story.set("requires_capture", amount_capturable=story.amount - part, amount_received=part)
    story.send("charge.captured", charge)
    story.send("payment_intent.amount_capturable_updated", story.intent)
    story.wait()
    return "partially_captured"


@told
def canceled(story: StripeStory) -> str:
    created(story)
    story.set("canceled", canceled_at=story.now)
    story.send("payment_intent.canceled", story.intent)
    return "canceled"


@told
def authorization_canceled(story: StripeStory) -> str:
    authorized(story)
    release(story, story.amount)
    story.set("canceled", canceled_at=story.now, amount_capturable=0)
    story.send("payment_intent.canceled", story.intent)
    return "canceled"


@told
def authorization_expired(story: StripeStory) -> str:
    authorized(story)
    release(story, story.amount)
    story.send("charge.expired", story.charges[-1])
    story.set("canceled", canceled_at=story.now, amount_capturable=0)
    story.send("payment_intent.canceled", story.intent)
    return "canceled"


@told
def bank_debit_on_its_way(story: StripeStory) -> str:
    created(story)
    charge = story.attempt("pending")
    story.set("processing")
    story.authorized = story.amount
    story.send("charge.pending", charge)
    story.send("payment_intent.processing", story.intent)
    return "processing"


@told
def bank_debit_settled(story: StripeStory) -> str:
    bank_debit_on_its_way(story)
    story.wait()
    take(story)
    return "captured"


@told
def bank_debit_failed_within_a_second(story: StripeStory) -> str:
    bank_debit_on_its_way(story)
    story.authorized = 0
    charge = story.charges[-1]
    charge.update(status="failed", failure_code="insufficient_funds")
    story.send("charge.failed", charge)
    error = {"type": "card_error", "code": "insufficient_funds", "charge": charge["id"]}
    story.set("requires_payment_method", last_payment_error=error)
    story.send("payment_intent.payment_failed", story.intent)
    return "failed"


@told
def bank_debit_clawed_back(story: StripeStory) -> str:
    bank_debit_settled(story)
    story.wait()
    charge = story.charges[-1]
    charge.update(status="failed", failure_balance_transaction=story.id("txn"), paid=False)
    story.authorized = story.captured = 0
    story.send("charge.failed", charge)
    return "failed"
