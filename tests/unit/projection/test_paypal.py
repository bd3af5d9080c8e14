"""Which status and amounts a PayPal payment has, by its events."""

from __future__ import annotations

import pytest

from tests.support.wording import (
    AUTHORIZATION,
    CAPTURE,
    ORDER,
    Object,
    authorization,
    capture,
    facts_of,
    fold,
    kinds,
    links,
    money,
    order,
    paypal,
    paypal_dispute,
    paypal_refund,
)

PAID = paypal("PAYMENT.CAPTURE.COMPLETED", capture())
HELD = paypal("PAYMENT.AUTHORIZATION.CREATED", authorization("CREATED"))
VOIDED = paypal("PAYMENT.AUTHORIZATION.VOIDED", authorization("VOIDED"))
DECLINED = paypal("PAYMENT.CAPTURE.DECLINED", capture("DECLINED"))
PENDING = paypal("PAYMENT.CAPTURE.PENDING", capture("PENDING"))
FROM_AUTHORIZATION = {
    "supplementary_data": {"related_ids": {"authorization_id": AUTHORIZATION, "order_id": ORDER}}
}
PART = paypal(
    "PAYMENT.CAPTURE.COMPLETED",
    capture(value="4.00", final_capture=False, **FROM_AUTHORIZATION),
)


def disputing(status: str, **fields: object) -> Object:
    return paypal("CUSTOMER.DISPUTE.UPDATED", paypal_dispute(status, **fields))


def refunding(value: str, number: int = 1, kind: str = "REFUNDED", **fields: object) -> Object:
    resource = paypal_refund(value, id=f"REFUND{number}", **fields)
    return paypal(f"PAYMENT.CAPTURE.{kind}", {**resource, "links": links_of_refund(number)})


def links_of_refund(number: int) -> list[Object]:
    return links("refund", f"REFUND{number}", capture=CAPTURE)


@pytest.mark.parametrize(
    ("status", "events"),
    [
        ("disputed", [PAID, disputing("OPEN")]),
        ("disputed", [PAID, disputing("WAITING_FOR_SELLER_RESPONSE")]),
        ("captured", [PAID, disputing("RESOLVED")]),
        ("reversed", [PAID, refunding("10.00", kind="REVERSED")]),
        ("partially_refunded", [PAID, refunding("4.00", kind="REVERSED")]),
        ("refunded", [PAID, refunding("10.00")]),
        ("partially_refunded", [PAID, refunding("4.00")]),
        ("partially_captured", [HELD, PART]),
        ("captured", [HELD, PART, VOIDED]),
        ("captured", [HELD, PAID]),
        ("captured", [PAID]),
        ("canceled", [HELD, VOIDED]),
        ("canceled", [paypal("PAYMENT.AUTHORIZATION.VOIDED", authorization("EXPIRED"))]),
        ("canceled", [paypal("CHECKOUT.ORDER.VOIDED", order("VOIDED"))]),
        ("canceled", [paypal("CHECKOUT.PAYMENT-APPROVAL.REVERSED", {"order_id": ORDER})]),
        ("authorized", [HELD]),
        ("processing", [PENDING]),
        ("processing", [paypal("PAYMENT.AUTHORIZATION.CREATED", authorization("PENDING"))]),
        ("requires_action", [paypal("CHECKOUT.ORDER.SAVED", order("PAYER_ACTION_REQUIRED"))]),
        ("failed", [DECLINED]),
        ("failed", [PENDING, DECLINED]),
        ("failed", [paypal("PAYMENT.AUTHORIZATION.DENIED", authorization("DENIED"))]),
        ("failed", [paypal("CHECKOUT.ORDER.DECLINED", order("APPROVED"))]),
        ("created", [paypal("CHECKOUT.ORDER.APPROVED", order("APPROVED"))]),
        ("created", [paypal("CHECKOUT.ORDER.APPROVED", order("CREATED"))]),
        ("captured", [PENDING, PAID]),
        ("unknown", [refunding("4.00")]),
        ("disputed", [disputing("OPEN")]),
        ("unknown", [disputing("RESOLVED")]),
    ],
)
def test_each_status_has_its_condition(status: str, events: list[Object]) -> None:
    assert fold(*events).status == status


def test_authorized_is_the_authorization_or_what_was_captured_without_one() -> None:
    assert fold(HELD, PART).amount_authorized == 1000
    assert fold(PAID).amount_authorized == 1000
    denied = paypal("PAYMENT.AUTHORIZATION.DENIED", authorization("DENIED"))
    assert fold(denied).amount_authorized == 0


def test_two_authorizations_of_one_order_that_were_both_captured_add_up() -> None:
    other = {"authorization_id": "AUTH2", "order_id": ORDER}
    second = capture(id="CAPTURE2", value="5.00", supplementary_data={"related_ids": other})
    payment = fold(
        HELD,
        paypal("PAYMENT.AUTHORIZATION.CREATED", authorization("CREATED", "5.00", id="AUTH2")),
        paypal("PAYMENT.CAPTURE.COMPLETED", capture(**FROM_AUTHORIZATION)),
        paypal("PAYMENT.CAPTURE.COMPLETED", {**second, "links": []}),
    )
    assert (payment.amount_authorized, payment.amount_captured) == (1500, 1500)


def test_a_capture_may_be_more_than_was_authorized() -> None:
    more = paypal("PAYMENT.CAPTURE.COMPLETED", capture(value="11.50", **FROM_AUTHORIZATION))
    payment = fold(HELD, more)
    assert (payment.status, payment.amount_captured) == ("captured", 1150)
    assert not payment.contradictions


def test_refunded_is_the_larger_of_the_refunds_and_of_the_total_that_they_state() -> None:
    total = {"seller_payable_breakdown": {"total_refunded_amount": money("7.00")}}
    assert fold(PAID, refunding("4.00", **total)).amount_refunded == 700
    both = fold(PAID, refunding("4.00", **total), refunding("3.00", 2))
    assert (both.amount_refunded, kinds(both)) == (700, set())


def test_a_refund_that_failed_counts_neither_by_itself_nor_in_the_total() -> None:
    total = {"seller_payable_breakdown": {"total_refunded_amount": money("4.00")}}
    failed = paypal("PAYMENT.REFUND.FAILED", paypal_refund("4.00", "FAILED"))
    assert fold(PAID, refunding("4.00", **total), failed).amount_refunded == 0


@pytest.mark.parametrize("value", ["-0.15", "0.15"])
def test_the_sign_of_a_refund_of_v1_does_not_matter(value: str) -> None:
    resource = {
        "id": "R1",
        "state": "completed",
        "sale_id": "SALE1",
        "parent_payment": "PAY-1",
        "amount": {"total": value, "currency": "USD"},
    }
    payment = fold(paypal("PAYMENT.SALE.REFUNDED", resource))
    assert (payment.payment_id, payment.amount_refunded) == ("PAY-1", 15)


def test_an_open_dispute_counts_and_a_resolved_one_does_not() -> None:
    assert fold(PAID, disputing("OPEN")).amount_disputed == 1000
    resolved = disputing("RESOLVED", update_time="2026-02-02T03:04:05Z")
    assert fold(PAID, disputing("OPEN"), resolved).amount_disputed == 0


def test_the_later_status_of_a_dispute_counts_by_the_time_of_the_object() -> None:
    early = disputing("RESOLVED", update_time="2026-01-03T08:00:00+02:00")
    late = disputing("UNDER_REVIEW", update_time="2026-01-03T07:00:00Z")
    assert fold(PAID, early, late).status == "disputed"


def test_a_risk_dispute_of_v1_is_open_and_1001_means_1001_00() -> None:
    resource = {
        "dispute_id": "PP-1",
        "dispute_status": 1000,
        "seller_payment_id": CAPTURE,
        "dispute_amount": {"currency": "EUR", "value": "1001"},
    }
    payment = fold(PAID, paypal("RISK.DISPUTE.CREATED", resource))
    assert (payment.status, payment.amount_disputed) == ("disputed", 100_100)


def test_the_fee_is_that_of_captures_less_what_refunds_gave_back() -> None:
    breakdown = {"paypal_fee": money("0.59")}
    paid = paypal("PAYMENT.CAPTURE.COMPLETED", capture(seller_receivable_breakdown=breakdown))
    back = refunding("4.00", seller_payable_breakdown={"paypal_fee": money("0.09")})
    payment = fold(paid, back)
    assert (payment.amount_fee, payment.fee_currency) == (50, "EUR")
    declined = capture("DECLINED", seller_receivable_breakdown=breakdown)
    event = paypal("PAYMENT.CAPTURE.DECLINED", declined)
    assert fold(event).amount_fee is None
    assert "capture.fee" not in {fact.kind for fact in facts_of(event)}


def test_a_pending_event_whose_sale_is_completed_is_captured_and_held() -> None:
    sale = {
        "id": "SALE1",
        "state": "completed",
        "payment_hold_status": "HELD",
        "amount": {"total": "10.00", "currency": "USD"},
        "transaction_fee": {"value": "0.59", "currency": "USD"},
    }
    pending = paypal("PAYMENT.SALE.PENDING", sale)
    payment = fold(pending)
    assert (payment.status, payment.amount_captured, payment.amount_fee) == ("captured", 1000, 59)
    assert kinds(payment) == {"funds_held"}
    later = fold(pending, paypal("PAYMENT.SALE.COMPLETED", sale))
    assert (later.status, kinds(later)) == ("captured", set())


def test_what_an_order_nests_is_read_too() -> None:
    payments = {
        "authorizations": [authorization("CAPTURED", links=[])],
        "captures": [capture(links=[])],
        "refunds": [paypal_refund("4.00")],
    }
    nested = order("COMPLETED", purchase_units=[{"payments": payments}])
    payment = fold(paypal("CHECKOUT.ORDER.COMPLETED", nested))
    assert (payment.payment_id, payment.status) == (ORDER, "partially_refunded")
    assert (payment.amount_captured, payment.amount_refunded) == (1000, 400)


def test_a_refund_that_an_order_nests_is_the_one_that_an_event_told_of() -> None:
    """The order does not say of which capture it is, the event does."""
    units = [{"payments": {"refunds": [paypal_refund("4.00", links=[])]}}]
    nesting = order("COMPLETED", id="A-COMES-FIRST", purchase_units=units)
    total = {"seller_payable_breakdown": {"total_refunded_amount": money("4.00")}}
    payment = fold(
        paypal("CHECKOUT.ORDER.COMPLETED", nesting),
        paypal("PAYMENT.CAPTURE.REFUNDED", paypal_refund("4.00", **total)),
    )
    assert payment.amount_refunded == 400


def test_a_dispute_over_several_payments_belongs_to_the_first_of_them() -> None:
    several = [{"seller_transaction_id": one} for one in ("CAPTURE2", CAPTURE)]
    event = paypal(
        "CUSTOMER.DISPUTE.CREATED", paypal_dispute("OPEN", disputed_transactions=several)
    )
    assert fold(event).payment_id == CAPTURE


def test_the_link_to_itself_says_what_a_resource_is() -> None:
    """A recorded PAYMENT.ORDER.CANCELLED whose resource is a capture."""
    cancelled = paypal("PAYMENT.ORDER.CANCELLED", capture())
    payment = fold(cancelled)
    assert payment.status == "captured"
    assert kinds(payment) == {"type_vs_object"}
