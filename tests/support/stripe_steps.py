"""What can happen to a Stripe payment; the sums are kept step by step."""

from __future__ import annotations

from tests.support.stripe_telling import StripeStory


def decline(story: StripeStory) -> None:
    charge = story.attempt("failed")
    story.send("charge.failed", charge)
    error = {"type": "card_error", "code": "card_declined", "charge": charge["id"]}
    story.set("requires_payment_method", last_payment_error=error)
    story.send("payment_intent.payment_failed", story.intent)
    story.wait()


def succeed(story: StripeStory) -> None:
    story.attempt("succeeded")
    take(story)


def take(story: StripeStory) -> None:
    """The latest attempt succeeds, and takes all of it."""
    charge = story.charges[-1]
    charge.update(status="succeeded", paid=True, captured=True, amount_captured=story.amount)
    story.authorized = story.captured = story.amount
    story.set("succeeded", amount_received=story.amount, last_payment_error=None)
    story.send("charge.succeeded", charge)
    story.send("payment_intent.succeeded", story.intent)
    story.wait()


def capture_up_to(story: StripeStory, total: int) -> None:
    """The last capture: what is not captured by now is released."""
    charge = story.charges[-1]
    charge.update(captured=True, amount_captured=total)
    story.captured = total
    story.set("succeeded", amount_received=total, amount_capturable=0)
    rest = story.amount - total
    release(story, rest)
    story.send("charge.captured", charge)
    story.send("payment_intent.succeeded", story.intent)
    story.wait()


def release(story: StripeStory, amount: int) -> None:
    if amount and story.before_basil:
        send_refund(story, amount, "succeeded")
        story.releases.append(story.refunds[-1])


def refund(story: StripeStory, amount: int, status: str = "succeeded") -> None:
    send_refund(story, amount, status)
    story.refunded += amount
    story.wait()


def send_refund(story: StripeStory, amount: int, status: str) -> None:
    """`refund.*` is sent for all refunds since acacia; before, the charge lists them."""
    refund = story.make_refund(amount, status)
    if story.version >= "2024-10-28":
        story.send("refund.created", refund)
    story.send("charge.refunded", story.charges[-1])


def answer_dispute(story: StripeStory) -> None:
    dispute = story.disputes[-1]
    dispute["status"] = "under_review"
    story.send("charge.dispute.updated", dispute)
    story.wait()


def close_dispute(story: StripeStory, status: str) -> None:
    dispute = story.disputes[-1]
    dispute["status"] = status
    story.send("charge.dispute.closed", dispute)
