"""What Stripe's objects come to: captured, refunded, disputed, and the fees."""

from __future__ import annotations

import pytest

from payments.projection.facts import Fact, Projection
from payments.projection.project import project
from payments.projection.reading import read_object
from tests.support.wording import (
    CH,
    OLD,
    PI,
    Object,
    charge,
    dispute,
    facts_of,
    fold,
    intent,
    kinds,
    movement,
    refund,
    stripe,
)

PAID = stripe("charge.succeeded", charge(captured=1000))
WITHDRAWN = movement(-1000, fee=1500)
RETURNED = movement(1000, "txn_2")


def refunds(*amounts_and_states: tuple[int, str]) -> list[Object]:
    return [
        stripe("refund.updated", refund(amount, status, id=f"re_{number}"))
        for number, (amount, status) in enumerate(amounts_and_states)
    ]


def test_authorized_is_the_most_that_was_held_and_taken() -> None:
    held = intent("requires_capture", amount_capturable=700, amount_received=300)
    taken = intent("succeeded", amount_received=500)
    payment = fold(
        stripe("payment_intent.amount_capturable_updated", held),
        stripe("payment_intent.succeeded", taken),
    )
    assert (payment.amount_authorized, payment.amount_captured) == (1000, 500)


def test_a_charge_that_failed_authorizes_nothing() -> None:
    assert fold(stripe("charge.failed", charge("failed"))).amount_authorized == 0
    assert fold(stripe("charge.pending", charge("pending"))).amount_authorized == 1000


@pytest.mark.parametrize(
    ("stated", "by_id", "refunded"),
    [
        (0, [(400, "succeeded")], 400),
        (400, [(400, "succeeded")], 400),
        (400, [], 400),
        (1000, [(400, "succeeded")], 1000),
        (400, [(400, "pending")], 400),
        (400, [(400, "failed")], 0),
        (400, [(400, "canceled")], 0),
        (1000, [(400, "failed"), (600, "succeeded")], 600),
        (1000, [(400, "failed")], 600),
        (400, [(400, "failed"), (400, "succeeded")], 400),
    ],
)
def test_refunded_is_what_stands_by_id_and_what_no_id_explains(
    stated: int, by_id: list[tuple[int, str]], refunded: int
) -> None:
    stating = stripe("charge.refunded", charge(captured=1000, refunded=stated), version=OLD)
    payment = fold(stating, *refunds(*by_id))
    assert payment.amount_refunded == refunded


def test_a_refund_that_succeeded_can_fail_afterwards() -> None:
    failed = stripe("refund.failed", refund(400, "failed"))
    assert fold(PAID, stripe("refund.created", refund(400)), failed).amount_refunded == 0


def test_a_refund_of_before_2015_without_a_status_is_done() -> None:
    old = {key: value for key, value in refund(400).items() if key != "status"}
    payment = fold(PAID, stripe("charge.refund.updated", old))
    assert (payment.amount_refunded, kinds(payment)) == (400, set())


def test_before_basil_what_was_never_captured_counts_as_refunded_and_is_not() -> None:
    release = refund(600, id="re_release")
    captured = charge(captured=400, refunded=600, refunds={"data": [release], "has_more": False})
    payment = fold(stripe("charge.captured", captured, version=OLD))
    assert (payment.amount_captured, payment.amount_refunded) == (400, 0)
    assert not payment.contradictions
    returned = charge(captured=400, refunded=1000)
    again = fold(
        stripe("charge.captured", captured, version=OLD),
        stripe("charge.refunded", returned, version=OLD),
        stripe("refund.created", refund(400, id="re_real"), version=OLD),
    )
    assert (again.status, again.amount_refunded) == ("refunded", 400)


def test_before_basil_a_canceled_authorization_is_refunded_as_a_whole_and_is_not() -> None:
    void = charge(refunded=1000, refunds={"data": [refund(1000)], "has_more": False})
    payment = fold(stripe("charge.refunded", void, version=OLD))
    assert (payment.status, payment.amount_refunded) == ("canceled", 0)


@pytest.mark.parametrize(
    ("version", "kind"),
    [
        (None, "charge.refunded_or_released"),
        ("2017-12-14", "charge.refunded_or_released"),
        ("2025-02-24.acacia", "charge.refunded_or_released"),
        ("2025-03-31.basil", "charge.refunded"),
        ("2026-06-24.dahlia", "charge.refunded"),
        ("newest", "charge.refunded_or_released"),
    ],
)
def test_what_refunded_means_depends_on_the_version_of_the_event(
    version: str | None, kind: str
) -> None:
    event = stripe("charge.refunded", charge(captured=400, refunded=100), version=version)
    assert kind in {fact.kind for fact in facts_of(event)}


def test_a_canceled_intent_that_was_never_captured_has_no_refunds() -> None:
    """The refund that before basil stands for the release may be all that is heard of it."""
    canceled = stripe("payment_intent.canceled", intent("canceled"), version=OLD)
    payment = fold(canceled, stripe("refund.created", refund(1000), version=OLD))
    assert (payment.status, payment.amount_refunded, kinds(payment)) == ("canceled", 0, set())


def test_between_two_captures_a_refund_is_a_refund_also_before_basil() -> None:
    held = intent("requires_capture", amount_capturable=600, amount_received=400)
    payment = fold(
        stripe("payment_intent.amount_capturable_updated", held, version=OLD),
        stripe("charge.refunded", charge(captured=400, refunded=100), version=OLD),
        stripe("refund.created", refund(100), version=OLD),
    )
    assert payment.amount_refunded == 100


def test_a_version_without_amount_captured_has_captured_it_all() -> None:
    old = charge()
    del old["amount_captured"]
    payment = fold(stripe("charge.updated", {**old, "captured": True}, version=None))
    assert payment.amount_captured == 1000
    assert kinds(payment) == {"missing_amount_captured"}


@pytest.mark.parametrize(
    ("status", "movements", "disputed"),
    [
        ("needs_response", [WITHDRAWN], 1000),
        ("lost", [WITHDRAWN], 1000),
        ("won", [WITHDRAWN, RETURNED], 0),
        ("won", [WITHDRAWN], 1000),
        ("needs_response", [], 1000),
        ("under_review", [], 1000),
        ("lost", [], 1000),
        ("won", [], 0),
        ("prevented", [], 0),
        ("warning_needs_response", [], 0),
        ("warning_under_review", [], 0),
        ("warning_closed", [], 0),
        ("lost", [WITHDRAWN, movement(400, "txn_2")], 600),
    ],
)
def test_disputed_is_what_moved_or_the_amount_where_nothing_is_known_to_have(
    status: str, movements: list[Object], disputed: int
) -> None:
    payment = fold(PAID, stripe("charge.dispute.updated", dispute(status, *movements)))
    assert payment.amount_disputed == disputed


def test_movements_in_the_currency_of_the_settlement_are_prorated() -> None:
    moved = [movement(-1200, currency="usd"), movement(300, "txn_2", currency="usd")]
    payment = fold(PAID, stripe("charge.dispute.updated", dispute("lost", *moved)))
    assert payment.amount_disputed == 750


def test_one_movement_that_is_told_by_two_events_is_one() -> None:
    events = [stripe("charge.dispute.updated", dispute("lost", WITHDRAWN), at) for at in (1, 2)]
    payment = fold(PAID, *events)
    assert (payment.amount_disputed, payment.amount_fee) == (1000, 1500)


def test_a_movement_whose_fee_became_known_later_is_one() -> None:
    events = [
        stripe("charge.dispute.updated", dispute("lost", movement(-1000, fee=fee)))
        for fee in (0, 1500)
    ]
    assert fold(PAID, *events).amount_disputed == 1000


def test_a_reinstatement_that_shows_its_movement_states_that_alone() -> None:
    won = stripe("charge.dispute.funds_reinstated", dispute("won", WITHDRAWN, RETURNED))
    assert "dispute.reinstated" not in {fact.kind for fact in facts_of(won)}


def test_a_dispute_without_an_id_is_that_of_its_charge_until_one_with_an_id_is_known() -> None:
    nameless = stripe("charge.dispute.closed", dispute("lost", id=None))
    assert fold(PAID, nameless).amount_disputed == 1000
    named = stripe("charge.dispute.closed", dispute("lost"))
    assert fold(PAID, nameless, named).amount_disputed == 1000


def test_fees_are_known_from_expanded_transactions_and_disputes() -> None:
    assert fold(PAID).amount_fee is None
    paid = charge(captured=1000, balance_transaction=movement(1000, fee=59, currency="usd"))
    assert _fee(read_object("stripe", paid).facts) == (59, "USD")
    disputed = stripe("charge.dispute.updated", dispute("lost", WITHDRAWN))
    assert _fee(facts_of(PAID, disputed)) == (1500, "EUR")


def test_amounts_are_in_iso_minor_units_whatever_stripe_sends() -> None:
    paid = stripe("charge.succeeded", charge(captured=500, amount=500, currency="mga"))
    payment = fold(paid)
    assert (payment.amount_captured, payment.currency) == (50_000, "MGA")


def test_charges_are_read_within_an_intent_of_each_version() -> None:
    paid = charge(captured=1000)
    nested = intent("succeeded", amount_received=1000, charges={"data": [paid]})
    expanded = intent("succeeded", amount_received=1000, latest_charge=paid)
    named = intent("succeeded", amount_received=1000, latest_charge=CH)
    read = [facts_of(stripe("payment_intent.succeeded", one)) for one in (nested, expanded)]
    assert read[0] == read[1] > facts_of(stripe("payment_intent.succeeded", named))


def test_a_refund_that_names_only_its_charge_finds_its_payment_through_the_intent() -> None:
    named = stripe("payment_intent.succeeded", intent("succeeded", latest_charge=CH))
    alone = stripe("charge.refund.updated", refund(payment_intent=None))
    assert fold(named, alone).payment_id == PI


def _fee(facts: frozenset[Fact]) -> tuple[int | None, str | None]:
    payment = project("stripe", facts)
    assert isinstance(payment, Projection)
    return payment.amount_fee, payment.fee_currency
