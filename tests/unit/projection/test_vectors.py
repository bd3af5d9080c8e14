"""Recorded events fold into what their own objects state. Needs the folder that VECTORS names."""

from __future__ import annotations

import itertools
import json
from pathlib import Path
from typing import Any

import pytest

from payments.projection.facts import Projection
from payments.projection.project import project
from tests.support.wording import facts_of, fold, kinds

Object = dict[str, Any]
# File, status, and the amounts: authorized, captured, refunded, disputed.
STRIPE = [
    ("constructed_current_charge.dispute.created", "unknown", (0, 0, 0, 0)),
    ("mock_charge.captured", "captured", (100, 100, 0, 0)),
    ("mock_charge.dispute.created", "unknown", (0, 0, 0, 0)),
    ("mock_charge.dispute.funds_withdrawn", "disputed", (0, 0, 0, 25000)),
    ("mock_charge.failed", "failed", (0, 0, 0, 0)),
    ("mock_charge.refunded", "refunded", (100, 100, 100, 0)),
    ("mock_charge.updated", "captured", (1000, 1000, 0, 0)),
    ("mock_payment_intent.amount_capturable_updated", "authorized", (2000, 0, 0, 0)),
    ("mock_payment_intent.created", "created", (0, 0, 0, 0)),
    ("mock_payment_intent.processing", "processing", (900, 0, 0, 0)),
    ("mock_payment_intent.succeeded", "captured", (2000, 2000, 0, 0)),
    ("sync_charge_expired", "failed", (0, 0, 0, 0)),
    ("sync_charge_refunded", "refunded", (2500, 2500, 2500, 0)),
    ("sync_refund_failed", "unknown", (0, 0, 1000, 0)),
    ("webhookdb_charge.refund.updated", "unknown", (0, 0, 1000, 0)),
]
PAYPAL = [
    ("paypal_events/derived_customer.dispute.updated", "disputed", (0, 0, 0, 1156)),
    ("paypal_events/djp_customer.dispute.created", "disputed", (0, 0, 0, 1156)),
    ("paypal_events/djp_customer.dispute.created--2019-11", "disputed", (0, 0, 0, 1156)),
    ("paypal_events/djp_payment.authorization.voided", "canceled", (48, 0, 0, 0)),
    ("paypal_events/djp_payment.capture.denied", "failed", (0, 0, 0, 0)),
    ("paypal_events/djp_payment.capture.refunded", "unknown", (0, 0, 15, 0)),
    ("paypal_events/djp_payment.order.cancelled", "captured", (454, 454, 0, 0)),
    ("paypal_events/djp_payment.sale.completed--from-subscription", "captured", (499, 499, 0, 0)),
    ("paypal_events/djp_payment.sale.denied", "failed", (0, 0, 0, 0)),
    ("paypal_events/djp_payment.sale.refunded", "unknown", (0, 0, 2, 0)),
    ("paypal_events/djp_risk.dispute.created", "disputed", (0, 0, 0, 100100)),
    ("paypal_events/sim2024_payment_capture_declined_v2", "failed", (0, 0, 0, 0)),
    ("paypal_events/sim2024_payment_capture_refunded_v2", "unknown", (0, 0, 198, 0)),
    (
        "paypal_signatures/simulator_2024_payment_capture_completed_v2",
        "captured",
        (3000, 3000, 0, 0),
    ),
    ("paypal_signatures/simulator_2024_payment_capture_pending_v2", "processing", (0, 0, 0, 0)),
    ("paypal_signatures/simulator_2024_payment_capture_reversed_v2", "unknown", (0, 0, 251, 0)),
    ("paypal_signatures/simulator_2024_payment_sale_refunded", "unknown", (0, 0, 1, 0)),
]


def load(folder: Path, name: str) -> Object:
    data: Object = json.loads((folder / f"{name}.json").read_text())
    return json.loads(data["body"]) if "body" in data else data


def amounts(payment: Projection) -> tuple[int, int, int, int]:
    return (
        payment.amount_authorized,
        payment.amount_captured,
        payment.amount_refunded,
        payment.amount_disputed,
    )


@pytest.mark.parametrize(
    ("name", "status", "sums"),
    [*((f"stripe_events/{name}", status, sums) for name, status, sums in STRIPE), *PAYPAL],
)
def test_a_recorded_event_states_what_its_object_states(
    vectors: Path, name: str, status: str, sums: tuple[int, int, int, int]
) -> None:
    payment = fold(load(vectors, name))
    assert (payment.status, amounts(payment)) == (status, sums)


def test_all_other_recorded_events_make_no_payment(vectors: Path) -> None:
    known = {name for name, _, _ in STRIPE} | {name.partition("/")[2] for name, _, _ in PAYPAL}
    files = [*vectors.glob("stripe_events/*.json"), *vectors.glob("paypal_*/*.json")]
    others = [path for path in files if path.stem not in known]
    assert len(others) > 30
    stated = {path.name: facts_of(load(path.parent, path.stem)) for path in others}
    assert not [name for name, facts in stated.items() if project("stripe", facts)]
    naming = {name for name, facts in stated.items() if facts}
    assert naming == {
        "constructed_current_checkout.session.completed.json",
        "mock_checkout.session.completed.payment_mode.json",
        "mock_invoice.finalized.json",
        "mock_invoice.payment_action_required.json",
        "mock_invoice.payment_succeeded.json",
    }


def test_the_recorded_sequence_of_a_retry_is_a_captured_payment_in_any_order(vectors: Path) -> None:
    """Declined, then paid with another card; all of its times are the same."""
    events = [json.loads(path.read_text()) for path in vectors.glob("stripe_events/sequences/*")]
    stated = [facts for event in events if (facts := facts_of(event))]
    payments = {
        project("stripe", [fact for one in order for fact in one])
        for order in itertools.permutations(stated)
    }
    assert len(payments) == 1
    payment = payments.pop()
    assert payment
    assert payment.payment_id == "pi_NORMALIZED00000000000001"
    assert (payment.status, amounts(payment)) == ("captured", (48000, 48000, 0, 0))
    assert not payment.contradictions


def test_the_recorded_pages_of_events_hold_a_payment_whose_events_came_in_reverse(
    vectors: Path,
) -> None:
    """`created` of the success is earlier than that of the creation; the final status counts."""
    page = json.loads(
        (vectors / "stripe_events/list_pages/zulip_upgrade_by_card--Event.list.2.json").read_text()
    )
    for events in (page["data"], page["data"][::-1]):
        payment = project("stripe", facts_of(*events))
        assert payment
        assert (payment.status, amounts(payment)) == ("captured", (48000, 48000, 0, 0))
        assert not payment.contradictions


def test_a_refund_that_was_told_by_two_events_with_one_id_is_a_finding(vectors: Path) -> None:
    """Two recorded versions of WH-2N242548W9943490U-1JU23391CS4765624: 0.02 and -0.01."""
    payment = fold(
        load(vectors, "paypal_events/djp_payment.sale.refunded"),
        load(vectors, "paypal_signatures/simulator_2024_payment_sale_refunded"),
    )
    assert payment.amount_refunded == 2
    assert "amount_changed" in kinds(payment)
