"""What an operator looks at over HTTP: payloads, groups, counts, the audit log, page by page."""

from __future__ import annotations

import csv
import io
import json
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest

from tests.integration.bad_input.cases import one_database
from tests.integration.operations.dead_letters import Warehouse, kill, post
from tests.support.application import Application
from tests.support.deliveries import stripe_event
from tests.support.refusals import problem_of

PERSON = {"name": "Ada Lovelace", "email": "ada@example.com", "phone": "+44 20 7946 0958"}
CARD = "4242424242424242"


def with_a_person() -> dict[str, Any]:
    event = stripe_event()
    event["data"]["object"] |= {"billing_details": PERSON, "client_secret": "s3cr3t", "pan": CARD}
    return event


def test_a_payload_is_masked_and_an_operator_may_reveal_the_person_and_not_the_card(
    application: Application,
) -> None:
    event = with_a_person()
    application.deliver(event)
    shown = application.admin("/events/1/payload")
    assert shown.headers["Cache-Control"] == "no-store"
    assert not [it for it in (*PERSON.values(), "s3cr3t", CARD) if it in shown.text]
    masked = shown.get_json()
    assert (masked["revealed"], masked["payload"]["id"]) == (False, event["id"])
    assert masked["payload"]["data"]["object"]["amount"] == 2000
    problem_of(post(application, "/events/1/payload/reveal", {}), 422)
    assert application.sql("SELECT 1 FROM audit_log") == []
    revealed = post(application, "/events/1/payload/reveal", {"reason": "a refund by phone"})
    assert revealed.headers["Cache-Control"] == "no-store"
    assert revealed.get_json()["payload"]["data"]["object"]["billing_details"] == PERSON
    assert not [it for it in ("s3cr3t", CARD) if it in revealed.text]
    [line] = application.event(1)["audit"]
    assert (line["action"], line["reason"]) == ("payload.reveal", "a refund by phone")


@one_database
def test_the_command_line_shows_the_same_payload(application: Application) -> None:
    application.deliver(with_a_person())
    printed = application.cli("events", "payload", "1", "--json")
    assert json.loads(printed.stdout) == application.admin("/events/1/payload").get_json()
    revealed = application.cli("events", "payload", "1", "--reveal", "--reason", "a call")
    assert PERSON["email"] in revealed.stdout
    assert CARD not in revealed.stdout
    assert application.event(1)["audit"][0]["actor"].startswith("cli")
    assert application.cli("events", "payload", "1", "--reveal").exit_code == 1
    assert application.cli("events", "payload", "9").exit_code == 1


@one_database
def test_an_expired_payload_says_so(application: Application) -> None:
    application.deliver()
    application.sql("DELETE FROM event_payloads")
    assert "expired" in problem_of(application.admin("/events/1/payload"), 404)["detail"]
    problem_of(application.admin("/events/2/payload"), 404)
    answer = post(application, "/events/1/payload/reveal", {"reason": "x"})
    assert "expired" in problem_of(answer, 404)["detail"]
    assert application.sql("SELECT 1 FROM audit_log") == []


def test_dead_letters_are_counted_and_stand_in_groups(
    application: Application, warehouse: Warehouse
) -> None:
    kill(application, 3)
    kill(application, 2, "charge.failed")
    assert application.admin("/dlq/count").get_json() == {"count": 5, "more": False}
    assert application.admin("/dlq/count", type="charge.failed").get_json()["count"] == 2
    assert application.cli("dlq", "count", "--type", "charge.failed").stdout == "2\n"
    problem_of(application.admin("/dlq/count", limit=5), 422)
    groups = application.admin("/dlq/groups").get_json()
    assert groups == json.loads(application.cli("dlq", "groups", "--json").stdout)
    [group] = groups["groups"]
    shown = application.admin(f"/dlq/groups/{group['id']}").get_json()
    assert {it["event_type"]: it["items"] for it in shown["types"]} == {
        "charge.refunded": 3,
        "charge.failed": 2,
    }
    assert shown["newest"]["id"] == 5
    problem_of(application.admin("/dlq/groups/99"), 404)


@one_database
def test_an_event_shows_the_effects_that_it_had(application: Application) -> None:
    from payments.handlers import handles

    @handles("stripe", "*")
    def fulfil(event: Any, _session: Any, effects: Any) -> None:
        effects.once("receipt:1", lambda key: {"to": "ada@example.com"})

    application.deliver()
    application.work()
    shown = application.admin("/events/1")
    assert [it["key"] for it in shown.get_json()["effects"]] == ["receipt:1"]
    assert "ada@example.com" not in shown.text
    assert "receipt:1" in application.cli("events", "show", "1").stdout


def test_the_audit_log_is_listed_by_who_what_and_when_page_by_page_and_as_csv(
    application: Application, warehouse: Warehouse
) -> None:
    ids = kill(application, 3)
    post(application, "/dlq/discard", {"ids": ids, "reason": "=1+1"})
    application.cli("dlq", "retry", str(ids[0]), "--reason", "x")
    lines = application.admin("/audit").get_json()
    assert [it["action"] for it in lines] == ["dlq.retry", *["dlq.discard"] * 3]
    only = {"actor": "admin", "action": "dlq.discard"}
    first = application.admin("/audit", limit=2, **only)
    assert [it["event_id"] for it in first.get_json()] == ids[:0:-1]
    rest = application.client.get(next_of(first), headers=dict(first.request.headers))
    assert [it["event_id"] for it in rest.get_json()] == ids[:1]
    assert application.admin("/audit", since="1h", event_id=ids[0]).get_json() == [
        lines[0],
        lines[3],
    ]
    assert application.admin("/audit", until="1h").get_json() == []
    spreadsheet = application.admin("/audit", format="csv", **only)
    assert spreadsheet.mimetype == "text/csv"
    rows = list(csv.DictReader(io.StringIO(spreadsheet.text)))
    assert [row["reason"] for row in rows] == ["'=1+1"] * 3
    printed = application.cli("audit", "--json", "--actor", "admin").stdout
    assert json.loads(printed) == application.admin("/audit", **only).get_json()
    exported = application.cli("audit", "--csv", "--actor", "admin").stdout
    assert list(csv.DictReader(io.StringIO(exported))) == rows


@one_database
@pytest.mark.parametrize(
    ("name", "value"),
    [
        *(("event_id", it) for it in ("0", "x", "-1", str(2**63))),
        *(("actor", it) for it in ("a\0b", "a" * 256)),
        ("action", "a b"),
        ("since", "soon"),
        ("who", "eve"),
        ("format", "xml"),
    ],
)
def test_a_question_to_the_audit_log_that_is_not_understood_is_a_422(
    application: Application, name: str, value: str
) -> None:
    problem_of(application.admin("/audit", **{name: value}), 422)


@one_database
def test_a_cursor_belongs_to_its_filter(application: Application) -> None:
    for event_type in ("charge.failed", "charge.refunded") * 2:
        application.deliver(stripe_event(event_type))
    first = application.admin("/events", type="charge.failed", limit=1)
    query = dict(parse_qsl(urlsplit(next_of(first)).query))
    assert query["limit"] == "1"
    [following] = application.events(**query)
    assert following["id"] == 1
    assert application.events(**{**query, "limit": 500}) == [following]
    other = [
        {"type": "charge.refunded"},
        {"type": ""},
        {"provider": "stripe"},
        {"cursor": query["cursor"].partition(".")[0]},
        {"cursor": "3.0123456789abcdef"},
    ]
    for change in other:
        problem = problem_of(application.admin("/events", **{**query, **change}), 422)
        assert "belongs to another filter" in problem["detail"]
    problem = problem_of(application.admin("/dlq", **query), 422)
    assert "belongs to another filter" in problem["detail"]
    problem_of(application.admin("/events", cursor="1.x"), 422)


def next_of(page: Any) -> str:
    url, relation = page.headers["Link"].split("; ")
    assert relation == 'rel="next"'
    return str(url.strip("<>"))
