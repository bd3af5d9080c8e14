"""The payment is brought up to date in the event's own transaction, whatever else handles it."""

from __future__ import annotations

from typing import Any

import pytest

from payments.handlers import PermanentFailure, handles
from tests.support.application import Application
from tests.support.deliveries import customer_event, paypal_event, stripe_event
from tests.support.intents import charge_event, intent_event, refund_event
from tests.support.ledgers import deliver_all, ledger_of, payments_of, rows_of


def test_an_event_about_a_payment_is_processed_although_no_handler_is_named(
    application: Application,
) -> None:
    deliver_all(application, "stripe", [charge_event("charge.succeeded")], "default")
    application.work()
    [event] = application.events()
    assert event["status"] == "processed"
    [payment] = payments_of(application)
    assert (payment["payment_id"], payment["status"]) == ("pi_1", "captured")
    assert (payment["currency"], payment["amount_captured"]) == ("EUR", 2000)
    assert application.event(event["id"])["payment"] == {
        "id": payment["id"],
        "payment_id": "pi_1",
        "status": "captured",
    }
    shown = application.cli("events", "show", str(event["id"])).stdout
    assert f"{payment['id']} (pi_1, captured)" in shown


def test_an_event_that_is_about_no_payment_leaves_nothing(application: Application) -> None:
    deliver_all(application, "stripe", [customer_event()], "default")
    application.work()
    [event] = application.events()
    assert event["status"] == "ignored"
    assert application.event(event["id"])["payment"] is None
    assert not any(rows_of(application).values())


def test_a_handler_sees_the_payment_as_the_event_makes_it(application: Application) -> None:
    seen: list[Any] = []

    @handles("stripe", "charge.*")
    def look(event: Any, session: Any, effects: Any) -> None:
        query = "SELECT payment_id, amount_captured FROM payments"
        seen.extend(session.connection().exec_driver_sql(query).all())
        seen.append(event.provider_created_at.timestamp())

    sent = charge_event("charge.succeeded")
    deliver_all(application, "stripe", [sent], "default")
    application.work()
    assert seen == [("pi_1", 2000), sent["created"]]


def test_a_handler_that_fails_takes_the_payment_back_and_a_retry_brings_it(
    application: Application,
) -> None:
    failing = [True]

    @handles("stripe", "*")
    def fragile(*_: Any) -> None:
        if failing:
            raise PermanentFailure

    deliver_all(application, "stripe", [charge_event("charge.succeeded")], "default")
    application.work()
    [event] = application.events()
    assert event["status"] == "dead"
    assert not any(rows_of(application).values())
    failing.clear()
    application.cli("dlq", "retry", str(event["id"]), "--yes")
    application.work()
    assert application.events()[0]["status"] == "processed"
    assert [payment["payment_id"] for payment in payments_of(application)] == ["pi_1"]


def test_a_replay_changes_nothing(application: Application) -> None:
    events = [
        intent_event("payment_intent.created"),
        charge_event("charge.succeeded", after=1),
        refund_event("refund.created", after=2, amount=9000),
    ]
    deliver_all(application, "stripe", events, "default")
    application.work()
    before = rows_of(application)
    assert all(before.values())
    application.cli("events", "replay", "--all", "--yes")
    application.work()
    assert {event["status"] for event in application.events()} == {"processed"}
    assert rows_of(application) == before


def test_a_payment_that_was_taken_for_two_becomes_one_row(application: Application) -> None:
    first = [refund_event("refund.created", after=2), intent_event("payment_intent.created")]
    deliver_all(application, "stripe", first, "default")
    application.work()
    assert [it["payment_id"] for it in payments_of(application)] == ["ch_1", "pi_1"]
    [_, intent] = payments_of(application)
    deliver_all(application, "stripe", [charge_event("charge.succeeded", after=1)], "default")
    application.work()
    [payment] = payments_of(application)
    assert (payment["id"], payment["payment_id"]) == (intent["id"], "pi_1")
    assert payment["objects"] == ["ch_1", "pi_1", "re_1"]
    assert (payment["amount_refunded"], payment["status"]) == (500, "partially_refunded")
    assert len(rows_of(application)["payment_groups"]) == 1


def test_a_payment_keeps_its_number_when_its_root_turns_out_to_be_another_object(
    application: Application,
) -> None:
    deliver_all(application, "stripe", [refund_event("refund.created", after=2)], "default")
    application.work()
    [provisional] = payments_of(application)
    assert provisional["payment_id"] == "ch_1"
    deliver_all(application, "stripe", [charge_event("charge.succeeded", after=1)], "default")
    application.work()
    [payment] = payments_of(application)
    assert (payment["id"], payment["payment_id"]) == (provisional["id"], "pi_1")


def test_an_earlier_event_that_arrives_later_becomes_the_cause(application: Application) -> None:
    later = charge_event("charge.updated", after=60)
    earlier = charge_event("charge.succeeded", after=1)
    deliver_all(application, "stripe", [later], "default")
    application.work()
    deliver_all(application, "stripe", [earlier], "default")
    application.work()
    [payment] = payments_of(application)
    causes = {change["event"]["event_id"] for change in payment["changes"]}
    assert causes == {earlier["id"]}
    assert payment["first_event_at"] == payment["last_event_at"] == "2025-10-09T08:53:21Z"


def test_events_without_a_time_are_causes_only_where_no_other_event_is(
    application: Application,
) -> None:
    timeless = [paypal_event(id=f"WH-{name}", create_time="2026-19-01T00:00:00Z") for name in "ba"]
    for event in timeless:
        event["resource"] = {**timeless[0]["resource"], "status": "COMPLETED"}
    deliver_all(application, "paypal", timeless, "default")
    application.work()
    [payment] = payments_of(application)
    assert {change["event"]["event_id"] for change in payment["changes"]} == {"WH-a"}
    assert payment["first_event_at"] is payment["last_event_at"] is None
    timed = paypal_event(id="WH-z", resource=timeless[0]["resource"])
    deliver_all(application, "paypal", [timed], "default")
    application.work()
    [payment] = payments_of(application)
    assert {change["event"]["event_id"] for change in payment["changes"]} == {"WH-z"}
    assert payment["last_event_at"] == "2026-01-02T03:04:05.678000Z"


def test_the_same_ids_in_two_accounts_are_two_payments(application: Application) -> None:
    events = [charge_event("charge.succeeded"), charge_event("charge.succeeded", account="acct_2")]
    events[1]["account"] = events[1]["data"]["object"].pop("account")
    deliver_all(application, "stripe", events, "default")
    application.work()
    assert len(ledger_of(application, "default")) == len(ledger_of(application, "acct_2")) == 1


def test_links_alone_are_no_payment_until_something_is_known_of_it(
    application: Application,
) -> None:
    session = {"id": "cs_1", "object": "checkout.session", "payment_intent": "pi_1"}
    completed = stripe_event("checkout.session.completed", data={"object": session})
    deliver_all(application, "stripe", [completed], "default")
    application.work()
    [event] = application.events()
    assert event["status"] == "processed"
    assert (payments_of(application), application.event(event["id"])["payment"]) == ([], None)
    deliver_all(application, "stripe", [intent_event("payment_intent.created")], "default")
    application.work()
    [payment] = payments_of(application)
    assert payment["payment_id"] == "pi_1"
    assert "cs_1" in payment["objects"]
    assert completed["id"] in [entry["event_id"] for entry in payment["timeline"]]


@pytest.mark.parametrize(
    ("provider", "event"),
    [("stripe", customer_event()), ("paypal", paypal_event("BILLING.PLAN.CREATED"))],
)
def test_an_event_that_nobody_wants_is_ignored_also_when_its_payload_has_expired(
    application: Application, provider: str, event: dict[str, Any]
) -> None:
    deliver_all(application, provider, [event], "default")
    application.sql("DELETE FROM event_payloads")
    application.work()
    [kept] = application.events()
    assert (kept["status"], kept["attempts"], kept["last_error"]) == ("ignored", 1, None)


@pytest.mark.parametrize(
    ("provider", "event"),
    [("stripe", charge_event("charge.succeeded")), ("paypal", paypal_event())],
)
def test_an_event_that_may_be_about_a_payment_is_dead_when_its_payload_has_expired(
    application: Application, provider: str, event: dict[str, Any]
) -> None:
    """It may have stated something, so it is not put aside unseen."""
    deliver_all(application, provider, [event], "default")
    application.sql("DELETE FROM event_payloads")
    application.work()
    [kept] = application.events()
    assert (kept["status"], kept["attempts"]) == ("dead", 1)
    assert "payload has expired" in kept["last_error"]
    assert not any(rows_of(application).values())
