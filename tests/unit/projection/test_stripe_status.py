"""Which status a Stripe payment has: one test for each row, and for each order of states."""

from __future__ import annotations

import pytest

from tests.support.wording import (
    CH,
    OLD,
    Object,
    charge,
    dispute,
    fold,
    intent,
    kinds,
    movement,
    refund,
    stripe,
)

PAID = stripe("charge.succeeded", charge(captured=1000))
SUCCEEDED = stripe("payment_intent.succeeded", intent("succeeded", amount_received=1000))
WITHDRAWN = movement(-1000, fee=1500)
DECLINE = {"code": "card_declined", "charge": CH}
FAILED_INTENT = intent("requires_payment_method", last_payment_error=DECLINE)


def of_dispute(status: str, *movements: Object, created: int = 1000) -> Object:
    return stripe("charge.dispute.updated", dispute(status, *movements), created)


def partly(status: str) -> Object:
    """An intent that has held 1000 and taken 400."""
    held = 600 if status == "requires_capture" else 0
    return intent(status, amount_capturable=held, amount_received=400)


@pytest.mark.parametrize(
    ("status", "events"),
    [
        ("disputed", [PAID, of_dispute("needs_response", WITHDRAWN)]),
        ("disputed", [PAID, of_dispute("under_review")]),
        ("disputed", [PAID, of_dispute("appeal_under_review", WITHDRAWN)]),
        ("charged_back", [PAID, of_dispute("lost", WITHDRAWN)]),
        ("charged_back", [PAID, of_dispute("lost")]),
        ("captured", [PAID, of_dispute("warning_needs_response")]),
        ("captured", [PAID, of_dispute("won", WITHDRAWN, movement(1000, "txn_2"))]),
        ("refunded", [PAID, stripe("refund.created", refund(1000))]),
        ("partially_refunded", [PAID, stripe("refund.created", refund(400))]),
        (
            "partially_captured",
            [
                stripe("payment_intent.amount_capturable_updated", partly("requires_capture")),
                stripe("charge.captured", charge(captured=400)),
            ],
        ),
        (
            "captured",
            [
                stripe("payment_intent.amount_capturable_updated", partly("requires_capture")),
                stripe("payment_intent.succeeded", partly("succeeded")),
            ],
        ),
        ("captured", [stripe("charge.captured", charge(captured=400, payment_intent=None))]),
        ("partially_captured", [stripe("charge.captured", charge(captured=400))]),
        ("captured", [PAID]),
        ("captured", [SUCCEEDED]),
        ("canceled", [stripe("payment_intent.canceled", intent("canceled"))]),
        ("canceled", [stripe("charge.expired", charge())]),
        ("canceled", [stripe("charge.refunded", charge(refunded=1000), version=OLD)]),
        (
            "failed",
            [PAID, stripe("charge.failed", charge("failed", failure_balance_transaction="t"))],
        ),
        ("authorized", [stripe("charge.succeeded", charge())]),
        (
            "authorized",
            [
                stripe(
                    "payment_intent.amount_capturable_updated",
                    intent("requires_capture", amount_capturable=1000),
                )
            ],
        ),
        ("processing", [stripe("charge.pending", charge("pending"))]),
        ("processing", [stripe("payment_intent.processing", intent("processing"))]),
        ("requires_action", [stripe("payment_intent.requires_action", intent("requires_action"))]),
        ("failed", [stripe("charge.failed", charge("failed"))]),
        ("failed", [stripe("payment_intent.payment_failed", FAILED_INTENT)]),
        ("created", [stripe("payment_intent.created", intent("requires_payment_method"))]),
        ("created", [stripe("payment_intent.created", intent("requires_confirmation"))]),
        ("unknown", [stripe("refund.created", refund())]),
        ("disputed", [of_dispute("needs_response", WITHDRAWN)]),
        ("charged_back", [of_dispute("lost", WITHDRAWN)]),
        ("unknown", [of_dispute("warning_closed")]),
    ],
)
def test_each_status_has_its_condition(status: str, events: list[Object]) -> None:
    assert fold(*events).status == status


def test_of_two_statuses_that_are_not_final_the_later_counts() -> None:
    asked = stripe("payment_intent.requires_action", intent("requires_action"), 2000)
    failed = stripe("payment_intent.payment_failed", FAILED_INTENT, 1000)
    assert fold(asked, failed).status == "requires_action"


def test_within_one_second_the_status_that_is_further_on_counts() -> None:
    asked = stripe("payment_intent.requires_action", intent("requires_action"))
    failed = stripe("payment_intent.payment_failed", FAILED_INTENT)
    assert fold(asked, failed).status == "failed"


def test_a_final_status_counts_whatever_is_later() -> None:
    late = stripe("payment_intent.processing", intent("processing"), 9000)
    canceled = stripe("payment_intent.canceled", intent("canceled"), 1000)
    assert fold(late, canceled).status == "canceled"


def test_processing_is_void_once_its_own_charge_has_failed() -> None:
    processing = stripe("payment_intent.processing", intent("processing", latest_charge=CH))
    failed = stripe("payment_intent.payment_failed", FAILED_INTENT)
    assert fold(processing, failed).status == "failed"
    another = stripe("payment_intent.processing", intent("processing", latest_charge="ch_2"))
    assert fold(another, failed).status == "processing"


def test_a_charge_that_was_pending_has_failed_or_succeeded() -> None:
    pending = stripe("charge.pending", charge("pending"))
    assert fold(pending, stripe("charge.failed", charge("failed"))).status == "failed"
    assert fold(pending, PAID).status == "captured"


def test_a_failure_after_success_takes_the_captured_amount_back() -> None:
    clawed_back = stripe("charge.failed", charge("failed", failure_balance_transaction="txn_9"))
    payment = fold(SUCCEEDED, PAID, clawed_back)
    assert (payment.status, payment.amount_captured, payment.amount_authorized) == ("failed", 0, 0)
    assert not payment.contradictions


def test_a_payment_that_was_clawed_back_can_be_paid_again() -> None:
    clawed_back = stripe("charge.failed", charge("failed", failure_balance_transaction="txn_9"))
    again = stripe("charge.succeeded", charge(captured=1000, id="ch_2"))
    payment = fold(SUCCEEDED, PAID, clawed_back, again)
    assert (payment.status, payment.amount_captured) == ("captured", 1000)
    assert not payment.contradictions


def test_an_inquiry_that_was_closed_can_escalate() -> None:
    closed = of_dispute("warning_closed", created=1000)
    assert fold(PAID, closed, of_dispute("needs_response", WITHDRAWN, created=2000)).status == (
        "disputed"
    )


def test_the_names_that_statuses_had_in_2018_are_understood() -> None:
    asked = stripe("payment_intent.requires_action", intent("requires_source_action"))
    assert fold(asked).status == "requires_action"
    assert fold(stripe("payment_intent.created", intent("requires_source"))).status == "created"


def test_a_bank_debit_of_2018_that_is_not_paid_is_on_its_way() -> None:
    unpaid = charge("succeeded", paid=False, captured=True)
    assert fold(stripe("charge.updated", unpaid)).status == "processing"


def test_a_snapshot_may_be_ahead_of_its_type() -> None:
    payment = fold(stripe("payment_intent.created", intent("succeeded", amount_received=1000)))
    assert payment.status == "captured"
    assert not kinds(payment)
