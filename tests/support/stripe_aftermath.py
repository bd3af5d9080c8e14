"""Stories of Stripe payments that were paid: refunds and disputes."""

from __future__ import annotations

from tests.support.stripe_steps import answer_dispute, close_dispute, refund
from tests.support.stripe_stories import paid, told
from tests.support.stripe_telling import DISPUTE_FEE, StripeStory


@told
def refunded(story: StripeStory) -> str:
    paid(story)
    refund(story, story.amount)
    return "refunded"


@told
def refunded_in_part(story: StripeStory) -> str:
    paid(story)
    refund(story, story.amount // 4)
    return "partially_refunded"


@told
def two_partial_refunds(story: StripeStory) -> str:
    refunded_in_part(story)
    refund(story, story.amount - story.refunded)
    return "refunded"


@told
def refund_pending(story: StripeStory) -> str:
    paid(story)
    refund(story, story.amount, "pending")
    return "refunded"


@told
def refund_failed(story: StripeStory) -> str:
    """It had succeeded, and failed after all: nothing is refunded, and a list should be fetched."""
    refunded(story)
    refund = story.refunds[-1]
    charge = story.charges[-1]
    refund["status"] = "failed"
    charge.update(amount_refunded=charge["amount_refunded"] - refund["amount"], refunded=False)
    story.refunded -= refund["amount"]
    story.send("charge.refund.updated", refund)
    if story.version >= "2024-10-28":
        story.send("refund.failed", refund)
    if not story.nested:
        story.contradictions.add("refunds_incomplete_after_failure")
    return "captured"


@told
def refund_failed_and_made_again(story: StripeStory) -> str:
    refund_failed(story)
    story.wait()
    refund(story, story.amount)
    return "refunded"


@told
def disputed(story: StripeStory) -> str:
    paid(story)
    dispute = story.make_dispute(story.amount, "needs_response")
    story.send("charge.dispute.created", dispute)
    story.move(dispute, -story.amount, DISPUTE_FEE)
    story.disputed = story.amount
    story.fee = DISPUTE_FEE
    story.send("charge.dispute.funds_withdrawn", dispute)
    story.wait()
    return "disputed"


@told
def dispute_lost(story: StripeStory) -> str:
    disputed(story)
    answer_dispute(story)
    close_dispute(story, "lost")
    return "charged_back"


@told
def dispute_won(story: StripeStory) -> str:
    disputed(story)
    answer_dispute(story)
    dispute = story.disputes[-1]
    dispute["status"] = "won"
    story.move(dispute, story.amount, 0)
    story.disputed = 0
    story.send("charge.dispute.funds_reinstated", dispute)
    close_dispute(story, "won")
    return "captured"


@told
def inquiry_closed(story: StripeStory) -> str:
    paid(story)
    dispute = story.make_dispute(story.amount, "warning_needs_response")
    story.send("charge.dispute.created", dispute)
    story.wait()
    close_dispute(story, "warning_closed")
    return "captured"


@told
def inquiry_escalated(story: StripeStory) -> str:
    inquiry_closed(story)
    dispute = story.disputes[-1]
    story.wait()
    dispute["status"] = "needs_response"
    story.move(dispute, -story.amount, DISPUTE_FEE)
    story.disputed, story.fee = story.amount, DISPUTE_FEE
    story.send("charge.dispute.updated", dispute)
    story.send("charge.dispute.funds_withdrawn", dispute)
    return "disputed"


@told
def refunded_in_part_and_disputed(story: StripeStory) -> str:
    refunded_in_part(story)
    rest = story.amount - story.refunded
    dispute = story.make_dispute(rest, "needs_response")
    story.move(dispute, -rest, DISPUTE_FEE)
    story.disputed, story.fee = rest, DISPUTE_FEE
    story.send("charge.dispute.created", dispute)
    return "disputed"
