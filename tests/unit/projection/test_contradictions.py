"""What does not agree is found, by a name that stays; and what is legal is not."""

from __future__ import annotations

from functools import partial

import pytest

from payments.projection.facts import Contradiction
from payments.projection.project import project
from payments.projection.reading import read_object
from tests.support.wording import (
    AUTHORIZATION,
    CAPTURE,
    CH,
    LATEST,
    OLD,
    Object,
    authorization,
    capture,
    charge,
    dispute,
    facts_of,
    fold,
    intent,
    kinds,
    links,
    money,
    movement,
    order,
    paypal,
    paypal_dispute,
    paypal_refund,
    refund,
    stripe,
)

PAID = stripe("charge.succeeded", charge(captured=1000))
SUCCEEDED = stripe("payment_intent.succeeded", intent("succeeded", amount_received=1000))
WITHDRAWN = movement(-1000)
CAPTURED = paypal("PAYMENT.CAPTURE.COMPLETED", capture())
LISTED = {"object": "list", "data": [refund(400)], "has_more": True}
LOST = {"dispute_outcome": {"outcome_code": "RESOLVED_BUYER_FAVOUR"}}


def without(item: Object, field: str) -> Object:
    return {key: value for key, value in item.items() if key != field}


def refunded(amount: int, version: str = LATEST) -> Object:
    return stripe("charge.refunded", charge(captured=1000, refunded=amount), version=version)


def disputing(status: str, *movements: Object, kind: str = "updated", **fields: object) -> Object:
    return stripe(f"charge.dispute.{kind}", dispute(status, *movements, **fields))


STRIPE_CASES: list[tuple[str, list[Object]]] = [
    ("type_vs_object", [PAID, stripe("refund.failed", refund(400))]),
    ("type_vs_object", [stripe("payment_intent.succeeded", intent("processing"))]),
    ("type_vs_object", [stripe("charge.succeeded", charge("failed"))]),
    ("type_vs_object", [stripe("charge.captured", charge())]),
    ("type_vs_object", [disputing("needs_response", kind="closed"), PAID]),
    ("two_terminal_statuses", [SUCCEEDED, stripe("payment_intent.canceled", intent("canceled"))]),
    ("two_terminal_statuses", [PAID, stripe("charge.failed", charge("failed"))]),
    ("two_parents", [PAID, stripe("charge.updated", charge(captured=1000, payment_intent="pi_2"))]),
    ("amount_changed", [PAID, stripe("charge.updated", charge(captured=1000, amount=1100))]),
    ("amount_changed", [PAID, *(stripe("refund.updated", refund(n)) for n in (300, 400))]),
    (
        "amount_changed",
        [
            stripe(f"{kind}.updated", item(amount=n, charge=None))
            for kind, item in (("payment_intent", partial(intent, "succeeded")), ("refund", refund))
            for n in (1000, 1200)
        ],
    ),
    ("several_currencies", [PAID, stripe("refund.created", refund(400, currency="usd"))]),
    ("refunded_exceeds_captured", [PAID, stripe("refund.created", refund(1001))]),
    (
        "refunded_and_disputed_exceed_captured",
        [PAID, stripe("refund.created", refund(1)), disputing("lost", WITHDRAWN)],
    ),
    (
        "captured_differs_from_received",
        [SUCCEEDED, stripe("charge.captured", charge(captured=900))],
    ),
    (
        "two_captured_charges",
        [PAID, stripe("charge.succeeded", charge(captured=1000, id="ch_2"))],
    ),
    ("refund_gap", [refunded(400)]),
    (
        "refunds_incomplete_after_failure",
        [refunded(400), stripe("refund.failed", refund(400, "failed"))],
    ),
    ("orphan_refund", [stripe("refund.created", refund())]),
    ("orphan_dispute", [disputing("lost", WITHDRAWN)]),
    ("refund_without_parent", [stripe("refund.created", refund(charge=None, payment_intent=None))]),
    ("won_without_reinstatement", [PAID, disputing("won", WITHDRAWN)]),
    (
        "reinstated_without_movement",
        [PAID, disputing("under_review", WITHDRAWN, kind="funds_reinstated")],
    ),
    ("dispute_currency", [PAID, disputing("lost", currency="usd")]),
    ("unknown_status", [stripe("payment_intent.created", intent("levitating"))]),
    ("unknown_status", [stripe("charge.updated", charge("levitating"))]),
    ("unknown_status", [PAID, stripe("refund.updated", refund(1, "levitating"))]),
    ("unknown_status", [PAID, disputing("levitating")]),
    (
        "missing_amount_captured",
        [stripe("charge.updated", {**without(charge(), "amount_captured"), "captured": True})],
    ),
    (
        "refund_list_has_more",
        [stripe("charge.refunded", charge(captured=1000, refunded=900, refunds=LISTED))],
    ),
    (
        "mixed_versions",
        [
            stripe("charge.refunded", charge(captured=400, refunded=600), version=OLD),
            stripe("charge.updated", charge(captured=400, refunded=100)),
        ],
    ),
    ("unreadable_amount", [stripe("charge.succeeded", charge(captured=1000, amount="1000"))]),
    ("unreadable_amount", [stripe("charge.succeeded", charge(captured=1000, amount=-5))]),
    ("unknown_currency", [stripe("charge.succeeded", charge(currency="zzz"))]),
    ("excess_digits", [stripe("charge.succeeded", charge(amount=1050, currency="isk"))]),
    (
        "several_fee_currencies",
        [PAID, disputing("lost", movement(-1000, currency="usd"), movement(-1, "txn_2"))],
    ),
]
PAYPAL_CASES: list[tuple[str, list[Object]]] = [
    ("type_vs_object", [paypal("PAYMENT.CAPTURE.COMPLETED", capture("DECLINED"))]),
    ("type_vs_object", [paypal("PAYMENT.AUTHORIZATION.VOIDED", authorization("CREATED"))]),
    ("type_vs_object", [paypal("CHECKOUT.ORDER.COMPLETED", order("APPROVED"))]),
    ("type_vs_object", [CAPTURED, paypal("PAYMENT.REFUND.FAILED", paypal_refund())]),
    ("two_terminal_statuses", [CAPTURED, paypal("PAYMENT.CAPTURE.DENIED", capture("DENIED"))]),
    (
        "two_terminal_statuses",
        [
            paypal("PAYMENT.AUTHORIZATION.DENIED", authorization("DENIED")),
            paypal("PAYMENT.AUTHORIZATION.CREATED", authorization("CAPTURED")),
        ],
    ),
    (
        "two_terminal_statuses",
        [
            paypal("CHECKOUT.ORDER.VOIDED", order("VOIDED")),
            paypal("CHECKOUT.ORDER.COMPLETED", order("COMPLETED")),
        ],
    ),
    (
        "two_parents",
        [
            CAPTURED,
            paypal(
                "PAYMENT.CAPTURE.COMPLETED",
                capture(links=links("capture", CAPTURE, order="ORDER2")),
            ),
        ],
    ),
    ("amount_changed", [CAPTURED, paypal("PAYMENT.CAPTURE.COMPLETED", capture(value="9.00"))]),
    (
        "several_currencies",
        [CAPTURED, paypal("PAYMENT.CAPTURE.REFUNDED", paypal_refund(amount=money("4.00", "USD")))],
    ),
    (
        "refunded_exceeds_captured",
        [CAPTURED, paypal("PAYMENT.CAPTURE.REFUNDED", paypal_refund("11.00"))],
    ),
    (
        "refunded_and_disputed_exceed_captured",
        [
            CAPTURED,
            paypal("PAYMENT.CAPTURE.REFUNDED", paypal_refund()),
            paypal("CUSTOMER.DISPUTE.CREATED", paypal_dispute("OPEN")),
        ],
    ),
    (
        "refund_gap",
        [
            CAPTURED,
            paypal(
                "PAYMENT.CAPTURE.REFUNDED",
                paypal_refund(seller_payable_breakdown={"total_refunded_amount": money("7.00")}),
            ),
        ],
    ),
    ("orphan_refund", [paypal("PAYMENT.CAPTURE.REFUNDED", paypal_refund())]),
    ("orphan_dispute", [paypal("CUSTOMER.DISPUTE.CREATED", paypal_dispute("OPEN"))]),
    ("refund_without_parent", [paypal("PAYMENT.SALE.REVERSED", paypal_refund(links=[]))]),
    (
        "dispute_currency",
        [
            CAPTURED,
            paypal(
                "CUSTOMER.DISPUTE.CREATED",
                paypal_dispute("OPEN", dispute_amount=money("1.00", "USD")),
            ),
        ],
    ),
    (
        "lost_without_money_movement",
        [CAPTURED, paypal("CUSTOMER.DISPUTE.RESOLVED", paypal_dispute("RESOLVED", **LOST))],
    ),
    ("refunded_state_without_refund", [paypal("PAYMENT.CAPTURE.COMPLETED", capture("REFUNDED"))]),
    (
        "several_purchase_units",
        [paypal("CHECKOUT.ORDER.APPROVED", order("APPROVED", purchase_units=[{}, {}]))],
    ),
    (
        "several_transactions",
        [
            CAPTURED,
            paypal(
                "CUSTOMER.DISPUTE.CREATED",
                paypal_dispute(
                    "OPEN",
                    disputed_transactions=[
                        {"seller_transaction_id": one} for one in (CAPTURE, "CAPTURE2")
                    ],
                ),
            ),
        ],
    ),
    ("funds_held", [paypal("PAYMENT.CAPTURE.PENDING", capture())]),
    ("unknown_status", [paypal("CHECKOUT.ORDER.APPROVED", order("LEVITATING"))]),
    ("unknown_status", [paypal("PAYMENT.CAPTURE.COMPLETED", capture("LEVITATING"))]),
    ("unknown_status", [CAPTURED, paypal("CUSTOMER.DISPUTE.CREATED", paypal_dispute("ODD"))]),
    ("unreadable_amount", [paypal("PAYMENT.CAPTURE.COMPLETED", capture(value="ten"))]),
    ("unreadable_amount", [paypal("PAYMENT.CAPTURE.COMPLETED", capture(amount=None))]),
    ("unknown_currency", [paypal("PAYMENT.CAPTURE.COMPLETED", capture(amount=money("1", "ZZ")))]),
    ("excess_digits", [paypal("PAYMENT.CAPTURE.COMPLETED", capture(value="10.001"))]),
]


@pytest.mark.parametrize(("kind", "events"), [*STRIPE_CASES, *PAYPAL_CASES])
def test_what_does_not_agree_is_found(kind: str, events: list[Object]) -> None:
    assert kind in kinds(fold(*events))


def test_every_kind_that_is_documented_is_found_by_a_case(documented_kinds: set[str]) -> None:
    assert {kind for kind, _ in [*STRIPE_CASES, *PAYPAL_CASES]} == documented_kinds


def test_a_finding_says_what_was_expected_and_what_was_found() -> None:
    payment = fold(PAID, stripe("refund.created", refund(1001)))
    assert payment.contradictions == {
        Contradiction("refunded_exceeds_captured", "", "1000", "1001")
    }
    unreadable = fold(stripe("charge.succeeded", charge(amount="a lot")))
    assert unreadable.contradictions == {
        Contradiction("unreadable_amount", f"{CH} amount", "a whole number", "'a lot'")
    }


def test_what_is_in_another_currency_is_not_counted() -> None:
    payment = fold(PAID, stripe("refund.created", refund(400, currency="usd")))
    assert (payment.amount_refunded, payment.currency) == (0, "EUR")


def test_a_list_of_all_refunds_mends_what_a_failure_left_open() -> None:
    """Two refunds, one failed, and the other was never heard of: only the list tells."""
    facts = facts_of(refunded(400), stripe("refund.failed", refund(400, "failed")))
    listed = [refund(400, "failed"), refund(400, id="re_2")]
    whole = read_object("stripe", {"object": "list", "data": listed, "has_more": False}).facts
    payment = project("stripe", facts | whole)
    assert payment
    assert (payment.amount_refunded, kinds(payment)) == (400, set())


@pytest.mark.parametrize(
    "events",
    [
        [PAID, SUCCEEDED, refunded(400), stripe("refund.created", refund(400))],
        # Overcapture, and an authorization that was raised.
        [stripe("charge.captured", charge(captured=1100))],
        [
            stripe("payment_intent.amount_capturable_updated", intent("requires_capture", amount=n))
            for n in (1000, 1200)
        ]
        + [stripe("charge.updated", charge(amount=n)) for n in (1000, 1200)],
        # Before basil a release is in the charge's sum, and its refund need not be known by id.
        [
            stripe("charge.refunded", charge(captured=400, refunded=700), version=OLD),
            stripe("refund.created", refund(100), version=OLD),
        ],
        # The charge's own event has not come yet.
        [SUCCEEDED, stripe("charge.succeeded", charge())],
        # An order in one event, an authorization in the next.
        [
            CAPTURED,
            paypal(
                "PAYMENT.CAPTURE.COMPLETED",
                capture(links=links("capture", CAPTURE, authorization=AUTHORIZATION)),
            ),
        ],
        # A payment of v1 in one event, an authorization in the next.
        [
            paypal("PAYMENT.CAPTURE.COMPLETED", capture(parent_payment="PAYID-1", links=[])),
            paypal(
                "PAYMENT.CAPTURE.COMPLETED",
                capture(links=links("capture", CAPTURE, authorization=AUTHORIZATION)),
            ),
        ],
        # A refund that names its charge in one event, and only the intent of both in the next.
        [
            stripe("charge.succeeded", charge(captured=1000, payment_intent="intent_1")),
            stripe("refund.created", refund(payment_intent="intent_1")),
            stripe("refund.updated", refund(payment_intent="intent_1", charge=None)),
        ],
        # An authorization that PayPal looks at first.
        [paypal("PAYMENT.AUTHORIZATION.CREATED", authorization("PENDING"))],
        # An open dispute changes the state of a capture.
        [
            paypal("PAYMENT.CAPTURE.COMPLETED", capture("PARTIALLY_REFUNDED")),
            paypal("CUSTOMER.DISPUTE.CREATED", paypal_dispute("OPEN")),
        ],
    ],
)
def test_what_is_legal_is_no_finding(events: list[Object]) -> None:
    assert not kinds(fold(*events))
