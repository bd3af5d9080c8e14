"""Bulk operations on pages: preview, confirm, progress, cancel, once more what has failed."""

from __future__ import annotations

import re

import pytest
from werkzeug.test import TestResponse

from tests.integration.bulk.desk import Desk
from tests.integration.console.test_dead_letters import words_of
from tests.support.application import Application
from tests.support.console import Person
from tests.support.shop import Shop, let_die, let_many_die

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
LIST = "/console/bulk"
FIRST = "/console/bulk/1"


@pytest.fixture
def desk(application: Application, shop: Shop) -> Desk:
    """There is a group of dead letters once some have died."""
    shop.refuse()
    return Desk(application)


def choose(person: Person, **fields: str | list[str]) -> TestResponse:
    return person.press("/console/dead-letters", LIST, **fields)


def confirm(person: Person, **fields: str) -> TestResponse:
    return person.press(FIRST, f"{FIRST}/confirm", reason="the warehouse is back", **fields)


def test_a_large_group_runs_only_with_a_reason_and_its_count(
    application: Application, desk: Desk, operator: Person
) -> None:
    let_many_die(application, 51)
    made = choose(operator, action="retry", group="1")
    assert (made.status_code, made.location) == (303, FIRST)
    preview = operator.get(FIRST)
    assert "Retry of 51 events: preview" in preview.text
    assert "dead events of group 1 (connection refused" in preview.text
    assert f'hx-get="{FIRST}/rehearsal"' in preview.text
    for count in ("", "50", "many"):
        refused = confirm(operator, count=count)
        assert refused.status_code == 422
        assert "Nothing was changed." in refused.text
        assert 'value="the warehouse is back"' in refused.text
    assert desk.audit(1) == [("bulk.create", "", 1)]
    assert confirm(operator, count="51").location == FIRST
    running = operator.get(FIRST)
    assert f'hx-get="{FIRST}/progress?seen=running-0"' in running.text
    assert operator.press(FIRST, f"{FIRST}/cancel", reason="not yet").location == FIRST
    rows = application.sql("SELECT actor, action, reason FROM audit_log ORDER BY id")
    assert rows == [
        ("eve", "bulk.create", None),
        ("eve", "bulk.confirm", "the warehouse is back"),
        ("eve", "bulk.cancel", "not yet"),
    ]


def test_what_fails_again_stops_it_and_only_that_is_retried(
    application: Application, shop: Shop, desk: Desk, operator: Person
) -> None:
    let_die(application, 7)
    choose(operator, action="retry", group="1")
    application.work()
    foreseen = operator.get(f"{FIRST}/rehearsal").text
    assert "7 × fails again: ConnectionRefusedError" in words_of(foreseen)
    assert "hx-get" not in foreseen
    assert "<form" not in foreseen
    confirm(operator)
    desk.until_ended(1)
    ended = operator.get(f"{FIRST}/progress?seen=running-0").text
    assert "Stopped: 0 done, 5 failed, 0 skipped, 0 in flight, 2 left." in words_of(ended)
    assert "hx-get" not in ended
    assert ended.count("hx-swap-oob") == 2
    page = operator.get(FIRST)
    assert "of the first 5 fail again. It stopped by itself" in words_of(page.text)
    assert "Retry what is left: 2 events" in words_of(page.text)
    assert page.text.count('<td class="error">ConnectionRefusedError') == 5
    shop.mend()
    again = operator.press(FIRST, f"{FIRST}/retry-failed")
    assert again.location == "/console/bulk/2"
    assert "events that failed in bulk operation 1" in operator.get(again.location).text
    operator.press(again.location, f"{again.location}/confirm", reason="mended")
    desk.until_ended(2)
    assert desk.counts(2)["done"] == 5
    assert operator.press(LIST, f"{again.location}/retry-failed").status_code == 422


def test_what_is_discarded_meanwhile_is_skipped_and_listed_with_why(
    application: Application, shop: Shop, desk: Desk, operator: Person
) -> None:
    let_die(application, 3)
    choose(operator, action="retry", id=["1", "2"])
    assert application.cli("dlq", "discard", "2", "--reason", "known").exit_code == 0
    shop.mend()
    confirm(operator)
    desk.until_ended(1)
    page = operator.get(FIRST)
    assert "changed since: was dead, is discarded" in words_of(page.text)
    assert page.text.count("data-row") == 1
    assert operator.get(f"{FIRST}?items=done").text.count("data-row") == 1
    assert desk.counts(1) == {"done": 1, "failed": 0, "skipped": 1, "in_flight": 0, "left": 0}


def test_a_discard_wants_a_reason_and_a_canceled_one_does_nothing(
    application: Application, desk: Desk, operator: Person
) -> None:
    let_die(application, 2)
    choose(operator, action="discard", group="1")
    assert "A discard calls no handler" in operator.get(FIRST).text
    refused = operator.press(FIRST, f"{FIRST}/confirm", reason=" ")
    assert (refused.status_code, "say why" in refused.text) == (422, True)
    assert operator.press(FIRST, f"{FIRST}/cancel").location == FIRST
    assert operator.press(LIST, f"{FIRST}/confirm", reason="x").status_code == 409
    assert application.sql("SELECT DISTINCT status FROM events") == [("dead",)]
    assert "canceled" in operator.get(LIST).text


SCOPES = {
    "all that match": (
        {"action": "retry", "all": "1", "type": "payout.*", "since": "2h"},
        "dead events with type payout.*, received from 20",
        2,
    ),
    "all there are": ({"action": "retry", "all": "1", "status": ""}, "dead events, as of 20", 5),
    "two groups": (
        {"action": "retry", "group": ["1", "2"]},
        "dead events of group 1 (connection refused",
        5,
    ),
    "ticks beside a filter": (
        {"action": "replay", "id": ["1", "3"], "type": "payout.*", "status": "dead"},
        "2 events that were chosen one by one",
        2,
    ),
}


@pytest.mark.parametrize("case", SCOPES)
def test_what_is_meant_is_frozen_and_said_in_words(
    application: Application, desk: Desk, shop: Shop, operator: Person, case: str
) -> None:
    fields, words, count = SCOPES[case]
    let_die(application, 3)

    def parse(event: object) -> None:
        raise KeyError("customer")

    shop.behave = parse
    let_die(application, 2, "payout.failed")
    assert choose(operator, **fields).location == FIRST
    let_die(application, 1, "payout.failed")
    page = words_of(operator.get(FIRST).text)
    assert words in page
    assert f"These {count} and no others" in page
    assert re.search(rf"of {count} events: preview", page)


REFUSED = {
    "nothing": ({"action": "retry"}, 422, "Nothing is ticked"),
    "a filter without all": ({"action": "retry", "type": "payout.*"}, 422, "Nothing is ticked"),
    "groups and events": ({"action": "retry", "group": "1", "id": "1"}, 422, "not both"),
    "no action": ({"id": "1"}, 422, "action: use one of"),
    "an unknown action": ({"action": "<script>", "id": "1"}, 422, "action: use one of"),
    "an unknown field": ({"action": "retry", "all": "1", "typ": "x"}, 422, "no such field"),
    "a status that is not for it": (
        {"action": "retry", "all": "1", "status": "processed"},
        422,
        "it is always dead",
    ),
    "nothing that matches": ({"action": "retry", "all": "1", "type": "x"}, 422, "Nothing matches"),
    "a time": ({"action": "retry", "all": "1", "since": "yesterday"}, 422, "since: use ISO"),
    "SQL": ({"action": "retry", "all": "1", "provider": "' OR 1=1 --"}, 422, "provider"),
    "NUL": ({"action": "retry", "all": "1", "error": "a\x00b"}, 422, "error"),
    "much": ({"action": "retry", "all": "1", "error": "a" * 10_000}, 422, "error"),
    "conflicts": ({"action": "retry", "all": "1", "conflicts": "some"}, 422, "conflicts"),
    "all": ({"action": "retry", "all": "everything"}, 422, "all: use"),
    "no such group": ({"action": "retry", "group": "99"}, 404, "no group"),
    "no id of a group": ({"action": "retry", "group": "1 OR 1"}, 404, "no group"),
    "no id of an event": ({"action": "retry", "id": "9" * 19}, 404, "no event"),
}


def test_what_cannot_be_meant_is_refused_with_a_page_that_says_why(
    application: Application, desk: Desk, operator: Person
) -> None:
    let_die(application)
    for case, (fields, status, words) in REFUSED.items():
        page = choose(operator, **fields)
        assert (page.status_code, words in words_of(page.text)) == (status, True), (case, page.text)
        assert "<script>" not in page.text
    assert application.sql("SELECT count(*) FROM bulk_operations") == [(0,)]


def test_a_viewer_sees_it_all_and_changes_nothing(
    application: Application, desk: Desk, operator: Person, viewer: Person
) -> None:
    let_die(application, 2)
    choose(operator, action="retry", group="1")
    page = viewer.get(FIRST)
    assert "An operator has to confirm it" in page.text
    assert "Confirm" not in page.text
    assert page.text.count("<form") == operator.get(LIST).text.count("<form")
    for action in ("confirm", "cancel", "retry-failed"):
        assert viewer.press(LIST, f"{FIRST}/{action}", reason="x").status_code == 403
    assert choose(viewer, action="retry", group="1").status_code == 403
    without_token = operator.post(f"{FIRST}/confirm", reason="x")
    assert without_token.status_code == 400
    assert application.sql("SELECT state FROM bulk_operations") == [("preview",)]
