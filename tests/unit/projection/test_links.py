"""Which of the linked objects is the payment, and what makes none."""

from __future__ import annotations

import pytest

from payments.projection.facts import PARENT, Fact
from payments.projection.project import objects_of, project
from tests.support.wording import (
    AUTHORIZATION,
    CAPTURE,
    CH,
    ORDER,
    PI,
    RE,
    Object,
    authorization,
    capture,
    charge,
    dispute,
    facts_of,
    fold,
    intent,
    links,
    paypal,
    paypal_refund,
    refund,
    stripe,
)

OF_AUTHORIZATION = links("capture", CAPTURE, authorization=AUTHORIZATION)
V1_SALE = {"id": "SALE1", "state": "completed", "amount": {"total": "1.00", "currency": "USD"}}


@pytest.mark.parametrize(
    ("payment_id", "events"),
    [
        (PI, [stripe("charge.succeeded", charge())]),
        (CH, [stripe("charge.succeeded", charge(payment_intent=None))]),
        (PI, [stripe("refund.created", refund())]),
        (PI, [stripe("refund.created", refund(charge=None))]),
        (CH, [stripe("refund.created", refund(payment_intent=None))]),
        (RE, [stripe("refund.created", refund(payment_intent=None, charge=None))]),
        (PI, [stripe("charge.dispute.created", dispute("lost"))]),
        (CH, [stripe("charge.dispute.closed", dispute("lost", id=None, payment_intent=None))]),
        (ORDER, [paypal("PAYMENT.CAPTURE.COMPLETED", capture())]),
        (
            AUTHORIZATION,
            [paypal("PAYMENT.CAPTURE.COMPLETED", capture(links=OF_AUTHORIZATION))],
        ),
        (
            ORDER,
            [
                paypal("PAYMENT.CAPTURE.COMPLETED", capture(links=OF_AUTHORIZATION)),
                paypal("PAYMENT.AUTHORIZATION.CREATED", authorization("CREATED")),
            ],
        ),
        (CAPTURE, [paypal("PAYMENT.CAPTURE.REFUNDED", paypal_refund())]),
        (CAPTURE, [paypal("PAYMENT.CAPTURE.COMPLETED", capture(links=[]))]),
        ("SALE1", [paypal("PAYMENT.SALE.COMPLETED", V1_SALE)]),
        ("PAY-1", [paypal("PAYMENT.SALE.COMPLETED", {**V1_SALE, "parent_payment": "PAY-1"})]),
        ("R1", [paypal("PAYMENT.SALE.REVERSED", {**V1_SALE, "id": "R1"})]),
    ],
)
def test_the_payment_is_the_object_above_all_others(payment_id: str, events: list[Object]) -> None:
    assert fold(*events).payment_id == payment_id


def test_a_provisional_payment_gives_way_to_the_true_one() -> None:
    alone = stripe("charge.refund.updated", refund(payment_intent=None))
    assert fold(alone).payment_id == CH
    assert fold(alone, stripe("charge.succeeded", charge())).payment_id == PI


def test_an_order_of_v1_is_preferred_to_the_payment_above_it() -> None:
    named = [*links("capture", CAPTURE, order="O-1")]
    named[1]["rel"] = "order"
    resource = capture(parent_payment="PAY-1", links=named)
    assert fold(paypal("PAYMENT.CAPTURE.COMPLETED", resource)).payment_id == "O-1"


def test_all_objects_that_are_mentioned_belong_together() -> None:
    event = stripe("refund.created", refund())
    assert objects_of(facts_of(event)) == {RE, CH, PI}


@pytest.mark.parametrize(
    "event",
    [
        stripe("payout.paid", {"id": "po_1", "object": "payout", "amount": 5, "currency": "eur"}),
        stripe("review.opened", {"id": "prv_1", "object": "review", "payment_intent": PI}),
        {"object": "v2.core.event", "type": "v1.payment_intent.succeeded", "related_object": {}},
        {"object": "v2.core.event", "type": "payment_intent.succeeded", "related_object": {}},
        paypal("BILLING.SUBSCRIPTION.CREATED", {"id": "I-1", "status": "ACTIVE"}),
        paypal("INVOICING.INVOICE.PAID", {"id": "INV2-1", "status": "PAID"}),
        paypal("PAYMENT.PAYOUTS-ITEM.BLOCKED", {"id": "X", "amount": {"value": "1.00"}}),
        paypal("PAYMENT.PAYOUTSBATCH.SUCCESS", {"id": "X"}),
    ],
)
def test_what_is_about_another_thing_states_nothing(event: Object) -> None:
    facts = facts_of(event)
    assert not facts
    assert project("stripe", facts) is None


SESSION = stripe(
    "checkout.session.completed", {"id": "cs_1", "object": "checkout.session", "payment_intent": PI}
)
INVOICES = [
    stripe("invoice.paid", {"id": "in_1", "object": "invoice", "payment_intent": PI, "charge": CH}),
    stripe(
        "invoice.paid",
        {"id": "in_1", "object": "invoice", "payments": {"data": [{"payment": {"charge": CH}}]}},
    ),
    stripe(
        "invoice_payment.paid",
        {
            "id": "inpay_1",
            "object": "invoice_payment",
            "invoice": "in_1",
            "payment": {"type": "payment_intent", "payment_intent": PI},
        },
    ),
]


@pytest.mark.parametrize("event", [SESSION, *INVOICES])
def test_what_only_names_a_payment_makes_none_and_changes_none(event: Object) -> None:
    facts = facts_of(event)
    assert facts
    assert project("stripe", facts) is None
    paid = stripe("charge.succeeded", charge(captured=1000))
    assert fold(paid, event) == fold(paid)


def test_a_session_is_a_part_of_its_payment_and_an_invoice_is_a_note_on_each() -> None:
    assert objects_of(facts_of(SESSION)) == {"cs_1", PI}
    one, other = (
        stripe("invoice.paid", {"id": "in_1", "object": "invoice", "payment_intent": pi})
        for pi in (PI, "pi_2")
    )
    assert Fact(PARENT, CH, PI) in facts_of(INVOICES[0])
    assert facts_of(one, other) == {
        Fact("link.invoice", PI, "in_1"),
        Fact("link.invoice", "pi_2", "in_1"),
    }


def test_links_alone_are_no_payment_and_neither_is_an_unknown_provider() -> None:
    assert project("stripe", [Fact(PARENT, CH, PI)]) is None
    assert project("bank", facts_of(stripe("charge.succeeded", charge()))) is None


def test_links_that_run_in_a_circle_have_a_payment_too() -> None:
    there = stripe("charge.succeeded", charge(id="ch_a", payment_intent="ch_b"))
    back = stripe("charge.succeeded", charge(id="ch_b", payment_intent="ch_a"))
    assert fold(there, back).payment_id == "ch_a"


def test_an_intent_names_its_charge() -> None:
    named = stripe("payment_intent.succeeded", intent("succeeded", latest_charge=CH))
    assert Fact(PARENT, CH, PI) in facts_of(named)
