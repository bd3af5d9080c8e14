"""What does not agree is a finding; the event is processed, and the finding goes when it agrees."""

from __future__ import annotations

from typing import Any

from tests.support.application import Application
from tests.support.intents import charge_event, intent_event, refund_event
from tests.support.ledgers import deliver_all, payments_of


def findings_of(application: Application) -> list[tuple[str, str, str]]:
    found = [finding for payment in payments_of(application) for finding in payment["findings"]]
    return sorted((it["kind"], it["subject"], it["status"]) for it in found)


def arrive(application: Application, *events: Any) -> None:
    deliver_all(application, "stripe", events, "default")
    application.work()
    assert {event["status"] for event in application.events()} == {"processed"}


def test_a_refund_without_its_payment_is_found_and_resolved_when_that_comes(
    application: Application,
) -> None:
    arrive(application, refund_event("refund.created", after=2))
    assert findings_of(application) == [("orphan_refund", "ch_1", "open")]
    arrive(application, charge_event("charge.succeeded", after=1))
    assert findings_of(application) == [("orphan_refund", "ch_1", "resolved")]
    [payment] = payments_of(application)
    [finding] = payment["findings"]
    assert finding["resolved_at"] is not None
    assert payment["payment_id"] == "pi_1"


def too_much_refunded(amount: int, id: str = "re_1") -> Any:
    return refund_event("refund.created", id, after=3, amount=amount)


def test_a_finding_says_what_was_expected_and_what_was_found_and_follows_both(
    application: Application,
) -> None:
    arrive(application, charge_event("charge.succeeded"), too_much_refunded(2500))
    [payment] = payments_of(application)
    [finding] = [it for it in payment["findings"] if it["kind"] == "refunded_exceeds_captured"]
    assert finding["source"] == "projection"
    assert finding["status"] == "open"
    arrive(application, too_much_refunded(100, "re_2"))
    [payment] = payments_of(application)
    [later] = [it for it in payment["findings"] if it["kind"] == "refunded_exceeds_captured"]
    assert (later["id"], later["expected"]) == (finding["id"], finding["expected"])
    assert later["found"] != finding["found"]


def sign_off(application: Application) -> None:
    application.sql(
        "UPDATE reconciliation_findings SET status = 'signed_off', signed_off_by = 'ada',"
        " signed_off_at = first_seen_at, signed_off_reason = 'known'"
    )


def test_what_was_signed_off_stays_so_until_it_says_something_else(
    application: Application,
) -> None:
    arrive(application, charge_event("charge.succeeded"), too_much_refunded(2500))
    sign_off(application)
    arrive(application, intent_event("payment_intent.succeeded", after=4, status="succeeded",
                                     amount_received=2000))  # fmt: skip
    statuses = [it["status"] for payment in payments_of(application) for it in payment["findings"]]
    assert set(statuses) == {"signed_off"}
    arrive(application, too_much_refunded(100, "re_2"))
    [payment] = payments_of(application)
    [finding] = [it for it in payment["findings"] if it["kind"] == "refunded_exceeds_captured"]
    assert (finding["status"], finding["signed_off_by"]) == ("open", None)


def test_a_sign_off_stays_when_the_payment_gets_another_id(application: Application) -> None:
    alone = charge_event("charge.succeeded", payment_intent=None)
    arrive(application, alone, too_much_refunded(2500))
    assert [payment["payment_id"] for payment in payments_of(application)] == ["ch_1"]
    sign_off(application)
    arrive(application, charge_event("charge.updated", after=9))
    [payment] = payments_of(application)
    assert payment["payment_id"] == "pi_1"
    kept = [it for it in payment["findings"] if it["kind"] == "refunded_exceeds_captured"]
    assert [(it["subject"], it["status"]) for it in kept] == [("pi_1", "signed_off")]
