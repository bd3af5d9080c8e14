"""What happens to Stripe payments: steps, and stories that are made of them.

A story tells the status that its payment must have in the end; the sums are kept step by step.
"""

from __future__ import annotations

from collections.abc import Callable

from tests.support.stripe_telling import DISPUTE_FEE, StripeStory

__all__ = ["STRIPE_STORIES", "StripeStory"]


def created(story: StripeStory) -> str:
    story.send("payment_intent.created", story.intent)
    story.wait()
    return "created"


def asked_to_authenticate(story: StripeStory) -> str:
    created(story)
    story.set("requires_action")
    story.send("payment_intent.requires_action", story.intent)
    story.wait()
    return "requires_action"


def declined(story: StripeStory) -> str:
    created(story)
    _decline(story)
    return "failed"


def authentication_failed_within_a_second(story: StripeStory) -> str:
    created(story)
    story.set("requires_action")
    story.send("payment_intent.requires_action", story.intent)
    _decline(story)
    return "failed"


def paid(story: StripeStory) -> str:
    created(story)
    _succeed(story)
    return "captured"


def paid_at_second_attempt(story: StripeStory) -> str:
    declined(story)
    _succeed(story)
    return "captured"


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


def captured_later(story: StripeStory) -> str:
    authorized(story)
    _capture(story, story.amount)
    return "captured"


def captured_in_part(story: StripeStory) -> str:
    """The rest is released, which before basil is a refund that is none."""
    authorized(story)
    _capture(story, story.amount * 2 // 3)
    return "captured"


def captured_in_part_then_refunded(story: StripeStory) -> str:
    captured_in_part(story)
    _refund(story, story.captured)
    return "refunded"


def captured_twice(story: StripeStory) -> str:
    """Multicapture: between the two the payment is captured in part."""
    captured_once(story)
    first = story.captured
    _capture(story, story.amount)
    assert story.captured > first
    return "captured"


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


def canceled(story: StripeStory) -> str:
    created(story)
    story.set("canceled", canceled_at=story.now)
    story.send("payment_intent.canceled", story.intent)
    return "canceled"


def authorization_canceled(story: StripeStory) -> str:
    authorized(story)
    _release(story, story.amount)
    story.set("canceled", canceled_at=story.now, amount_capturable=0)
    story.send("payment_intent.canceled", story.intent)
    return "canceled"


def authorization_expired(story: StripeStory) -> str:
    authorized(story)
    _release(story, story.amount)
    story.send("charge.expired", story.charges[-1])
    story.set("canceled", canceled_at=story.now, amount_capturable=0)
    story.send("payment_intent.canceled", story.intent)
    return "canceled"


def bank_debit_on_its_way(story: StripeStory) -> str:
    created(story)
    charge = story.attempt("pending")
    story.set("processing")
    story.authorized = story.amount
    story.send("charge.pending", charge)
    story.send("payment_intent.processing", story.intent)
    return "processing"


def bank_debit_settled(story: StripeStory) -> str:
    bank_debit_on_its_way(story)
    story.wait()
    _take(story)
    return "captured"


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


def bank_debit_clawed_back(story: StripeStory) -> str:
    bank_debit_settled(story)
    story.wait()
    charge = story.charges[-1]
    charge.update(status="failed", failure_balance_transaction=story.id("txn"), paid=False)
    story.authorized = story.captured = 0
    story.send("charge.failed", charge)
    return "failed"


def refunded(story: StripeStory) -> str:
    paid(story)
    _refund(story, story.amount)
    return "refunded"


def refunded_in_part(story: StripeStory) -> str:
    paid(story)
    _refund(story, story.amount // 4)
    return "partially_refunded"


def two_partial_refunds(story: StripeStory) -> str:
    refunded_in_part(story)
    _refund(story, story.amount - story.refunded)
    return "refunded"


def refund_pending(story: StripeStory) -> str:
    paid(story)
    _refund(story, story.amount, "pending")
    return "refunded"


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


def refund_failed_and_made_again(story: StripeStory) -> str:
    refund_failed(story)
    story.wait()
    _refund(story, story.amount)
    return "refunded"


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


def dispute_lost(story: StripeStory) -> str:
    disputed(story)
    _answer(story)
    _close(story, "lost")
    return "charged_back"


def dispute_won(story: StripeStory) -> str:
    disputed(story)
    _answer(story)
    dispute = story.disputes[-1]
    dispute["status"] = "won"
    story.move(dispute, story.amount, 0)
    story.disputed = 0
    story.send("charge.dispute.funds_reinstated", dispute)
    _close(story, "won")
    return "captured"


def inquiry_closed(story: StripeStory) -> str:
    paid(story)
    dispute = story.make_dispute(story.amount, "warning_needs_response")
    story.send("charge.dispute.created", dispute)
    story.wait()
    _close(story, "warning_closed")
    return "captured"


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


def refunded_in_part_and_disputed(story: StripeStory) -> str:
    refunded_in_part(story)
    rest = story.amount - story.refunded
    dispute = story.make_dispute(rest, "needs_response")
    story.move(dispute, -rest, DISPUTE_FEE)
    story.disputed, story.fee = rest, DISPUTE_FEE
    story.send("charge.dispute.created", dispute)
    return "disputed"


def _decline(story: StripeStory) -> None:
    charge = story.attempt("failed")
    story.send("charge.failed", charge)
    error = {"type": "card_error", "code": "card_declined", "charge": charge["id"]}
    story.set("requires_payment_method", last_payment_error=error)
    story.send("payment_intent.payment_failed", story.intent)
    story.wait()


def _succeed(story: StripeStory) -> None:
    story.attempt("succeeded")
    _take(story)


def _take(story: StripeStory) -> None:
    """The latest attempt succeeds, and takes all of it."""
    charge = story.charges[-1]
    charge.update(status="succeeded", paid=True, captured=True, amount_captured=story.amount)
    story.authorized = story.captured = story.amount
    story.set("succeeded", amount_received=story.amount, last_payment_error=None)
    story.send("charge.succeeded", charge)
    story.send("payment_intent.succeeded", story.intent)
    story.wait()


def _capture(story: StripeStory, total: int) -> None:
    """The last capture: what is not captured by now is released."""
    charge = story.charges[-1]
    charge.update(captured=True, amount_captured=total)
    story.captured = total
    story.set("succeeded", amount_received=total, amount_capturable=0)
    rest = story.amount - total
    _release(story, rest)
    story.send("charge.captured", charge)
    story.send("payment_intent.succeeded", story.intent)
    story.wait()


def _release(story: StripeStory, amount: int) -> None:
    if amount and story.before_basil:
        _send_refund(story, amount, "succeeded")
        story.releases.append(story.refunds[-1])


def _refund(story: StripeStory, amount: int, status: str = "succeeded") -> None:
    _send_refund(story, amount, status)
    story.refunded += amount
    story.wait()


def _send_refund(story: StripeStory, amount: int, status: str) -> None:
    """`refund.*` is sent for all refunds since acacia; before, the charge lists them."""
    refund = story.make_refund(amount, status)
    if story.version >= "2024-10-28":
        story.send("refund.created", refund)
    story.send("charge.refunded", story.charges[-1])


def _answer(story: StripeStory) -> None:
    dispute = story.disputes[-1]
    dispute["status"] = "under_review"
    story.send("charge.dispute.updated", dispute)
    story.wait()


def _close(story: StripeStory, status: str) -> None:
    dispute = story.disputes[-1]
    dispute["status"] = status
    story.send("charge.dispute.closed", dispute)


STRIPE_STORIES: dict[str, Callable[[StripeStory], str]] = {
    story.__name__: story
    for story in (
        created,
        asked_to_authenticate,
        declined,
        authentication_failed_within_a_second,
        paid,
        paid_at_second_attempt,
        authorized,
        captured_later,
        captured_in_part,
        captured_in_part_then_refunded,
        captured_once,
        captured_twice,
        canceled,
        authorization_canceled,
        authorization_expired,
        bank_debit_on_its_way,
        bank_debit_settled,
        bank_debit_failed_within_a_second,
        bank_debit_clawed_back,
        refunded,
        refunded_in_part,
        two_partial_refunds,
        refund_pending,
        refund_failed,
        refund_failed_and_made_again,
        disputed,
        dispute_lost,
        dispute_won,
        inquiry_closed,
        inquiry_escalated,
        refunded_in_part_and_disputed,
    )
}
