"""What an operator sees of payments: by API and by command line."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import urlsplit

import pytest

from payments.handlers import PermanentFailure, handles
from tests.support.application import Application
from tests.support.deliveries import paypal_event, stripe_event
from tests.support.intents import charge_event, intent_event, refund_event
from tests.support.ledgers import deliver_all, payments_of
from tests.support.refusals import check_problem


@pytest.fixture
def shown(application: Application) -> dict[str, Any]:
    """One payment of three events, the second of which arrived last."""
    events = [
        intent_event("payment_intent.created"),
        refund_event("refund.created", after=20),
        charge_event("charge.succeeded", after=10),
    ]
    deliver_all(application, "stripe", events, "default")
    application.work()
    [payment] = payments_of(application)
    return payment


def test_the_timeline_is_in_the_providers_order_and_marks_what_came_late(
    shown: dict[str, Any],
) -> None:
    timeline = [(it["event_type"], it["late"], it["blocked"]) for it in shown["timeline"]]
    assert timeline == [
        ("payment_intent.created", False, False),
        ("charge.succeeded", True, False),
        ("refund.created", False, False),
    ]


def test_each_change_names_the_event_that_stated_it(
    application: Application, shown: dict[str, Any]
) -> None:
    for change in shown["changes"]:
        event = application.event(change["event_id"])
        assert change["event"] == {
            name: event[name]
            for name in ("id", "event_id", "event_type", "provider_created_at", "received_at")
        }
        assert change["caused_at"] == event["provider_created_at"]
        assert event["payment"]["id"] == shown["id"]
    assert {"charge.amount", "refund.amount"} <= {change["kind"] for change in shown["changes"]}


def test_what_is_blocked_is_seen_although_only_its_payload_names_the_payment(
    application: Application, shown: dict[str, Any]
) -> None:
    @handles("stripe", "refund.*")
    def refuse(*_: Any) -> None:
        raise PermanentFailure("not today")

    blocked = refund_event("refund.created", "re_2", after=30)
    deliver_all(application, "stripe", [blocked], "default")
    application.work()
    [payment] = payments_of(application)
    assert "re_2" not in payment["objects"]
    [*_, last] = payment["timeline"]
    assert (last["event_id"], last["status"], last["blocked"]) == (blocked["id"], "dead", True)
    assert "not today" in application.cli("payments", "show", str(payment["id"])).stdout
    of_another = refund_event("refund.created", "re_3", charge="ch_2")
    deliver_all(application, "stripe", [of_another], "default")
    [payment] = payments_of(application)
    assert payment["timeline"][-1]["event_id"] == blocked["id"]


@pytest.fixture
def several(application: Application) -> Application:
    intents = [intent_event("payment_intent.created", f"pi_{n}", after=100 * n) for n in range(4)]
    yen = intent_event("payment_intent.created", "pi_yen", after=900, currency="jpy")
    deliver_all(application, "stripe", [*intents, yen], "default")
    connected = {**charge_event("charge.succeeded"), "account": "acct_2"}
    deliver_all(application, "stripe", [connected], "default")
    deliver_all(application, "paypal", [paypal_event(id="WH-1")], "default")
    application.work()
    return application


@pytest.mark.parametrize(
    ("query", "count"),
    [
        ({}, 7),
        ({"provider": "stripe"}, 6),
        ({"provider": "paypal"}, 1),
        ({"account": "acct_2"}, 1),
        ({"status": "captured"}, 1),
        ({"status": "created"}, 6),
        ({"payment_id": "pi_1"}, 2),
        ({"payment_id": "ch_1"}, 0),
        ({"object_id": "ch_1"}, 1),
        ({"currency": "JPY"}, 1),
        ({"since": "2025-10-09T08:56:40Z", "provider": "stripe"}, 3),
        ({"until": "2025-10-09T08:56:40Z", "provider": "stripe"}, 3),
    ],
)
def test_filters_choose(several: Application, query: dict[str, str], count: int) -> None:
    response = several.admin("/payments", **query)
    assert (response.status_code, len(response.get_json())) == (200, count), response.text
    options = [part for name in query for part in (f"--{name.replace('_', '-')}", query[name])]
    listed = several.cli("payments", "list", "--json", *options)
    assert json.loads(listed.stdout) == response.get_json()


def test_the_list_is_newest_first_and_pages_through_everything_once(several: Application) -> None:
    seen: list[int] = []
    response = several.admin("/payments", limit=2, provider="stripe")
    while True:
        seen += [payment["id"] for payment in response.get_json()]
        if "Link" not in response.headers:
            break
        url, relation = response.headers["Link"].split("; ")
        assert relation == 'rel="next"'
        parts = urlsplit(url.strip("<>"))
        headers = {"Authorization": response.request.headers["Authorization"]}
        response = several.client.get(f"{parts.path}?{parts.query}", headers=headers)
    assert len(seen) == 6
    assert seen == sorted(seen, reverse=True)


@pytest.mark.parametrize(
    ("query", "named"),
    [
        ({"status": "paid"}, "status"),
        ({"currency": "eur"}, "currency"),
        ({"payment_id": "a b"}, "payment_id"),
        ({"object_id": "é"}, "object_id"),
        ({"since": "yesterday"}, "since"),
        ({"limit": "0"}, "limit"),
        ({"limit": "501"}, "limit"),
        ({"cursor": "0"}, "cursor"),
        ({"cursor": "x"}, "cursor"),
        ({"event_id": "evt_1"}, "Unknown parameter"),
    ],
)
def test_a_query_that_is_not_understood_is_refused_by_name(
    application: Application, query: dict[str, str], named: str
) -> None:
    response = application.admin("/payments", **query)
    problem = check_problem(422, response.headers, response.data)
    assert response.status_code == 422
    assert named in problem["detail"]


@pytest.mark.parametrize("id", ["0", "99", "-1", "x", "9" * 19, "9" * 30])
def test_a_payment_that_is_not_there_is_404(application: Application, id: str) -> None:
    response = application.admin(f"/payments/{id}")
    assert response.status_code == 404
    check_problem(404, response.headers, response.data)


def test_nobody_sees_payments_without_a_token(application: Application) -> None:
    for path in ("/admin/payments", "/admin/payments/1"):
        assert application.client.get(path).status_code == 401


def test_the_command_line_shows_amounts_as_people_write_them(several: Application) -> None:
    whole = {"amount_received": 1234, "amount": 1234, "status": "succeeded", "currency": "jpy"}
    yen = intent_event("payment_intent.succeeded", "pi_yen", after=901, **whole)
    deliver_all(several, "stripe", [yen], "default")
    several.work()
    table = several.cli("payments", "list").stdout
    assert "1234 JPY" in table
    assert "20.00 EUR" in table
    [payment] = several.admin("/payments", currency="JPY").get_json()
    one = several.cli("payments", "show", str(payment["id"]))
    assert "1234 JPY" in one.stdout
    assert yen["id"] not in one.stdout
    assert "payment_intent.succeeded" in one.stdout
    as_json = several.cli("payments", "show", str(payment["id"]), "--json")
    assert json.loads(as_json.stdout) == several.admin(f"/payments/{payment['id']}").get_json()


def test_the_command_line_says_what_is_wrong(application: Application) -> None:
    unknown = application.cli("payments", "show", "999")
    assert (unknown.exit_code, "no payment with this id" in unknown.stderr) == (1, True)
    odd = application.cli("payments", "list", "--currency", "euro")
    assert (odd.exit_code, "currency" in odd.stderr) == (2, True)
    assert application.cli("payments", "list").stdout == "No payments match.\n"


def test_a_dry_run_shows_the_rows_of_the_payment(application: Application) -> None:
    deliver_all(application, "stripe", [charge_event("charge.succeeded")], "default")
    [event] = application.events()
    result = application.cli("events", "replay", str(event["id"]), "--dry-run", "--json")
    assert result.exit_code == 0, result.output
    [dry_run] = json.loads(result.stdout)["shown"]
    assert dry_run["outcome"] == "changes"
    [payment] = [it for it in dry_run["changes"] if it["table"] == "payments"]
    assert payment["columns"]["amount_captured"] == {"before": None, "after": 2000}
    tables = {change["table"] for change in dry_run["changes"]}
    assert tables == {"payments", "payment_groups", "payment_changes", "payment_objects"}
    assert application.sql("SELECT id FROM payment_groups") == []
    application.work()
    again = application.cli("events", "replay", str(event["id"]), "--dry-run", "--json")
    assert json.loads(again.stdout)["shown"][0]["outcome"] == "nothing to change"


def test_a_dry_run_of_an_event_about_no_payment_that_nobody_handles_is_ignored(
    application: Application,
) -> None:
    deliver_all(application, "stripe", [stripe_event("customer.created")], "default")
    [event] = application.events()
    result = application.cli("events", "replay", str(event["id"]), "--dry-run")
    assert "ignored" in result.stdout
