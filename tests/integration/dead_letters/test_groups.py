"""Dead letters in groups: one outage is one, different faults are different ones."""

from __future__ import annotations

import json
from typing import Any

import pytest

from payments.handlers import PermanentFailure
from tests.support.application import Application, MakeApplication
from tests.support.deliveries import stripe_event
from tests.support.shop import Shop, let_die


@pytest.fixture
def shop() -> Shop:
    return Shop()


@pytest.fixture
def application(make_application: MakeApplication) -> Application:
    return make_application(RETRY_MAX_ATTEMPTS="2")


def groups(application: Application) -> list[dict[str, Any]]:
    result = application.cli("dlq", "groups", "--json")
    assert result.exit_code == 0, result.output
    listed: list[dict[str, Any]] = json.loads(result.stdout)["groups"]
    return listed


def group(application: Application, id: int) -> dict[str, Any]:
    result = application.cli("dlq", "groups", str(id), "--json")
    assert result.exit_code == 0, result.output
    shown: dict[str, Any] = json.loads(result.stdout)
    return shown


def test_an_outage_is_one_group_whatever_the_events_were(
    application: Application, shop: Shop
) -> None:
    shop.refuse()
    for event_type, count in (("charge.refunded", 3), ("payout.failed", 2), ("invoice.paid", 1)):
        let_die(application, count, event_type)
    [outage] = groups(application)
    assert (outage["items"], outage["dead"], outage["retrying"]) == (6, 6, 0)
    assert outage["stage"] == "handler"
    assert outage["providers"] == ["stripe"]
    assert outage["cause"].startswith("connection refused by ")
    assert outage["cause"].endswith(" in refused")
    assert outage["event_type"] is None
    assert sum(outage["trend"]) == outage["trend"][-1] + outage["trend"][-2] == 12
    assert outage["first"] <= outage["last"]
    shown = group(application, outage["id"])
    assert [(it["event_type"], it["items"]) for it in shown["types"]] == [
        ("charge.refunded", 3),
        ("payout.failed", 2),
        ("invoice.paid", 1),
    ]
    assert shown["newest"]["event_type"] == "invoice.paid"


def test_different_missing_fields_are_different_groups(
    application: Application, shop: Shop
) -> None:
    def parse(event: Any) -> None:
        event.data["data"]["object"][event.event_type.replace(".", "_")]

    shop.behave = parse
    for event_type in ("charge.refunded", "payout.failed"):
        let_die(application, 2, event_type)
    found = {it["field"]: it for it in groups(application)}
    assert found.keys() == {"charge_refunded", "payout_failed"}
    assert found["payout_failed"]["cause"] == (
        "KeyError at payout_failed in parse, for stripe payout.failed"
    )
    assert found["payout_failed"]["items"] == 2


def test_each_way_to_die_has_its_stage(application: Application, shop: Shop) -> None:
    def fail(event: Any) -> None:
        if event.event_type == "read.fails":
            event.__dict__.pop("data", None)
            object.__setattr__(event, "body", b"{")
            event.data  # noqa: B018
        raise PermanentFailure("no such order: pi_3AbCdEf12345678")

    shop.behave = fail
    let_die(application, 1, "handler.fails")
    let_die(application, 1, "read.fails")
    application.deliver(stripe_event("payload.expired"))
    application.sql(
        "DELETE FROM event_payloads WHERE event_id ="
        " (SELECT id FROM events WHERE event_type = 'payload.expired')"
    )
    application.work()
    stages = {it["event_type"]: it["stage"] for it in groups(application)}
    assert stages == {
        "handler.fails": "handler",
        "read.fails": "read",
        "payload.expired": "payload",
    }
    assert "pi_3AbCdEf" not in str(groups(application))


def test_nothing_leaves_its_group_before_its_retry_has_succeeded(
    application: Application, shop: Shop
) -> None:
    shop.refuse()
    let_die(application)
    [outage] = groups(application)
    [event] = application.events()
    application.cli("dlq", "retry", str(event["id"]))
    [retried] = groups(application)
    assert (retried["dead"], retried["retrying"]) == (0, 1)
    application.work()
    [again] = groups(application)
    assert (again["id"], again["dead"]) == (outage["id"], 1)
    shop.mend()
    application.cli("dlq", "retry", str(event["id"]))
    application.work()
    assert groups(application) == []
    kept = application.event(event["id"])
    assert (kept["status"], kept["failure_group_id"]) == ("processed", None)
    of_attempts = [attempt["failure_group_id"] for attempt in kept["history"]]
    assert of_attempts == [outage["id"]] * 4 + [None]
    assert group(application, outage["id"])["items"] == 0


def test_what_fails_for_another_reason_is_in_the_group_of_that_reason(
    application: Application, shop: Shop
) -> None:
    shop.refuse()
    let_die(application)
    [event] = application.events()

    def parse(event: Any) -> None:
        event.data["customer"]

    shop.behave = parse
    application.cli("dlq", "retry", str(event["id"]))
    application.work()
    [other] = groups(application)
    assert (other["error_type"], other["dead"]) == ("KeyError", 1)


def test_an_event_that_kills_its_worker_is_in_a_group_of_its_own_kind(
    application: Application, make_application: MakeApplication, shop: Shop
) -> None:
    application = make_application()
    application.deliver(stripe_event("kills.workers"))
    [event] = application.events()
    for number in (1, 2, 3):
        application.sql(
            "INSERT INTO attempts (event_id, number, started_at, finished_at, outcome)"
            " VALUES (:id, :number, '2026-01-01 00:00:00.000000', '2026-01-01 00:00:01.000000',"
            " 'died')",
            id=event["id"],
            number=number,
        )
    application.sql("UPDATE events SET status = 'retrying', attempts = 3")
    application.work()
    [killers] = groups(application)
    assert (killers["stage"], killers["error_type"]) == ("worker", "KillsItsWorker")
    assert killers["cause"] == "KillsItsWorker, for stripe kills.workers"


def test_what_has_no_attempt_left_stays_in_the_group_of_its_failure(
    application: Application, make_application: MakeApplication, shop: Shop
) -> None:
    generous = make_application(RETRY_BASE_SECONDS="3000", RETRY_CAP_SECONDS="3000")
    shop.refuse()
    let_die(generous)
    [before] = groups(application)
    assert (before["dead"], before["retrying"]) == (0, 1)
    application.sql("UPDATE events SET next_attempt_at = '2020-01-01 00:00:00.000000'")
    strict = make_application(RETRY_MAX_ATTEMPTS="1")
    [event] = strict.events()
    with strict.app.app_context():
        strict.queue.enqueue_event(event["id"])
    strict.work()
    assert "budget" in strict.event(event["id"])["last_error"]
    [after] = groups(strict)
    assert (after["id"], after["dead"]) == (before["id"], 1)


def test_a_discarded_event_leaves_its_group(application: Application, shop: Shop) -> None:
    shop.refuse()
    let_die(application)
    [event] = application.events()
    application.cli("dlq", "discard", str(event["id"]), "--reason", "a test order")
    assert groups(application) == []


def test_dead_events_from_before_get_a_group_from_their_text(
    application: Application, shop: Shop
) -> None:
    from jobs.recover import recover_events

    shop.refuse()
    let_die(application, 3)
    application.sql("UPDATE events SET failure_group_id = NULL")
    application.sql(
        "UPDATE events SET last_error = 'OrderError: no order ' || event_id || ' for 12.50 EUR'"
    )
    result = application.cli("dlq", "groups")
    assert "3 dead events wait for their group." in result.stdout
    with application.app.app_context():
        recover_events()
    [adopted] = groups(application)
    assert (adopted["items"], adopted["cause"]) == (3, "OrderError: no order # for #")
    assert adopted["first"] <= adopted["last"]


def test_a_group_says_which_payments_it_holds_and_what_they_are_worth(
    application: Application, shop: Shop
) -> None:
    shop.refuse()
    for object_id in ("pi_1", "pi_1", "ch_1", "pi_2", "pi_unknown"):
        application.deliver(stripe_event(data={"object": {"id": object_id}}))
    application.work()
    know_payment(application, 1, "EUR", authorized=500, captured=300, objects=("pi_1", "ch_1"))
    know_payment(application, 2, "JPY", authorized=0, captured=70, objects=("pi_2",))
    [held] = groups(application)
    assert (held["items"], held["payments"]) == (5, 2)
    assert held["value"] == {"EUR": 500, "JPY": 70}
    assert "500 EUR, 70 JPY" in application.cli("dlq", "groups").stdout


def know_payment(
    application: Application,
    id: int,
    currency: str,
    *,
    authorized: int,
    captured: int,
    objects: tuple[str, ...],
) -> None:
    application.sql("INSERT INTO payment_groups (id) VALUES (:id)", id=id)
    application.sql(
        "INSERT INTO payments (id, provider, account, payment_id, status, currency,"
        " amount_authorized, amount_captured, amount_refunded, amount_disputed, updated_at)"
        " VALUES (:id, 'stripe', 'default', :payment_id, 'captured', :currency, :authorized,"
        " :captured, 0, 0, '2026-01-01 00:00:00.000000')",
        id=id,
        payment_id=objects[0],
        currency=currency,
        authorized=authorized,
        captured=captured,
    )
    for object_id in objects:
        application.sql(
            "INSERT INTO payment_objects (provider, account, object_id, payment_id)"
            " VALUES ('stripe', 'default', :object_id, :id)",
            object_id=object_id,
            id=id,
        )


def test_the_items_of_a_group_come_in_pages(application: Application, shop: Shop) -> None:
    from payments.database import snapshot
    from payments.dead_letter_groups import list_items

    shop.refuse()
    let_die(application, 5)
    [outage] = groups(application)
    seen: list[int] = []
    before = None
    with application.app.app_context(), snapshot() as session:
        while True:
            page = list_items(session, outage["id"], limit=2, before=before)
            seen += [event.id for event in page.rows]
            before = page.next_cursor
            if before is None:
                break
    assert seen == sorted(seen, reverse=True)
    assert len(set(seen)) == 5


def test_a_group_that_does_not_exist_is_named(application: Application) -> None:
    for id in ("7", "99999999999999999999"):
        result = application.cli("dlq", "groups", id)
        assert (result.exit_code, "no group with this id" in result.stderr) == (1, True)
    assert application.cli("dlq", "groups").stdout == "No dead letters.\n"
