"""Events in the console: found, understood, replayed; and nothing that a client sends breaks it."""

from __future__ import annotations

import re
from html import unescape
from typing import Any
from urllib.parse import quote

import pytest

from tests.support.application import Application, MakeApplication
from tests.support.console import Person, csrf_token_in
from tests.support.deliveries import ADMIN_TOKEN, stripe_event
from tests.support.shop import Shop, let_die

VIEWER = "viewer-of-tests-7c1e90d2"
SCRIPT = "<script>alert(1)</script>"
ROW = re.compile(r'href="/console/events/(\d+)" data-open')
CARD = "4242424242424242"
HOSTILE = ("'; DROP TABLE events;--", SCRIPT, "\x00", "x" * 10_000, "%", "٣")
PAYMENT = {
    "id": "pi_story_1",
    "object": "payment_intent",
    "amount": 2000,
    "amount_received": 2000,
    "currency": "eur",
    "status": "succeeded",
    "receipt_email": "jane@example.com",
    "metadata": {"note": f"card {CARD}"},
}


@pytest.fixture
def service(make_application: MakeApplication) -> Application:
    return make_application(
        RETRY_MAX_ATTEMPTS="2", ADMIN_TOKEN=f"ann:operator:{ADMIN_TOKEN},vic:viewer:{VIEWER}"
    )


@pytest.fixture
def shop(service: Application) -> Shop:
    return Shop()


@pytest.fixture
def ann(service: Application, shop: Shop) -> Person:
    return logged_in(service, ADMIN_TOKEN)


def logged_in(service: Application, token: str) -> Person:
    person = Person(service.app)
    person.log_in(token)
    return person


def rows(page: Any) -> list[int]:
    assert page.status_code == 200, page.text
    return [int(id) for id in ROW.findall(page.text)]


def test_a_list_shows_what_matches_and_its_next_page_keeps_the_filter(
    service: Application, ann: Person
) -> None:
    for _ in range(52):
        service.deliver()
    service.deliver(stripe_event("charge.refunded"))
    first = ann.get("/console/events?type=payment_intent.*")
    assert rows(first) == list(range(52, 2, -1))
    [older] = re.findall(r'href="([^"]+)" rel="next"', first.text)
    assert "type=payment_intent" in older
    assert rows(ann.get(unescape(older))) == [2, 1]
    assert "52 events match" in ann.get("/console/events/count?type=payment_intent.*").text
    assert "3 newer, show" in ann.get("/console/events/newer?after=50").text
    assert "Nothing newer" in ann.get("/console/events/newer?after=53").text
    assert "No events match" in ann.get("/console/events?status=dead").text


def test_a_form_for_all_that_match_carries_the_filter_with_absolute_times(
    service: Application, ann: Person
) -> None:
    service.deliver()
    page = ann.get("/console/events?provider=stripe&since=2h").text
    assert '<input type="hidden" name="provider" value="stripe">' in page
    assert re.search(r'type="hidden" name="since" value="20\d\d-\d\d-\d\dT[\d:.]+Z"', page)


def test_an_event_says_why_it_failed_what_a_replay_would_do_and_is_replayed(
    service: Application, shop: Shop, ann: Person
) -> None:
    def refuse(event: Any) -> None:
        raise ConnectionRefusedError(f"{SCRIPT} of jane@example.com")

    shop.behave = refuse
    service.deliver(stripe_event(data={"object": PAYMENT}))
    service.work()
    page = ann.get("/console/events/1").text
    for said in (
        "connection refused",
        "refuse",
        "Attempt 2: failed",
        "waits for an operator",
    ):
        assert said in page
    assert SCRIPT not in page
    assert "&lt;script&gt;alert(1)" in page
    assert SCRIPT not in ann.get("/console/events").text

    csrf = csrf_token_in(ann.get("/console/events/1"))
    part = ann.client.post(
        "/console/events/1/dry-run", data={"csrf_token": csrf}, headers={"HX-Request": "true"}
    ).text
    assert "Fails again" in part
    assert "<html" not in part
    shop.mend()
    assert "captured" in ann.post("/console/events/1/dry-run", csrf_token=csrf).text
    assert service.event(1)["status"] == "dead"

    assert ann.post("/console/events/1/replay", csrf_token=csrf).status_code == 422
    done = ann.post("/console/events/1/replay", csrf_token=csrf, reason="the shop is mended")
    assert (done.status_code, done.location) == (303, "/console/events/1#timeline")
    assert "It is received now" in ann.get("/console/events/1/status?seen=dead-2-2").text
    service.work()
    page = ann.get("/console/events/1").text
    assert "ann asked for a replay" in page
    assert "the shop is mended" in page
    assert "20.00 EUR" in page
    assert service.event(1)["status"] == "processed"


def test_personal_data_is_shown_to_an_operator_who_says_why_and_card_numbers_to_nobody(
    service: Application, ann: Person
) -> None:
    service.deliver(stripe_event(data={"object": PAYMENT}))
    masked = ann.get("/console/events/1")
    assert "jane@example.com" not in masked.text
    assert "pi_story_1" in masked.text
    csrf = csrf_token_in(masked)
    silent = ann.post("/console/events/1/payload", csrf_token=csrf, reason=" ")
    assert silent.status_code == 422
    assert "jane@example.com" not in silent.text
    shown = ann.post("/console/events/1/payload", csrf_token=csrf, reason="she has called")
    assert "jane@example.com" in shown.text
    assert CARD not in shown.text
    assert shown.headers["Cache-Control"] == "no-store"
    [entry] = service.event(1)["audit"]
    assert (entry["actor"], entry["action"], entry["reason"]) == (
        "ann",
        "payload.reveal",
        "she has called",
    )


def test_a_viewer_looks_and_changes_nothing(service: Application, ann: Person) -> None:
    service.deliver(stripe_event(data={"object": PAYMENT}))
    vic = logged_in(service, VIEWER)
    page = vic.get("/console/events/1")
    assert page.status_code == 200
    assert "needs the role operator" in page.text
    csrf = csrf_token_in(page)
    for what in ("dry-run", "replay", "payload"):
        refused = vic.post(f"/console/events/1/{what}", csrf_token=csrf, reason="curious")
        assert refused.status_code == 403, what
        assert "jane@example.com" not in refused.text
        forged = ann.post(f"/console/events/1/{what}", reason="forged")
        assert forged.status_code == 400, what
    assert service.event(1)["audit"] == []


@pytest.mark.parametrize("value", HOSTILE, ids=ascii)
def test_what_nobody_understands_is_a_page_that_says_so(
    service: Application, ann: Person, value: str
) -> None:
    filters = ("provider", "account", "status", "type", "event_id", "object_id", "error")
    for name in (*filters, "since", "until", "conflicts", "before", "unknown"):
        for path in ("", "/count", "/newer"):
            page = ann.get(f"/console/events{path}", query_string={name: value, "after": "1"})
            assert page.status_code in (200, 404, 422), (name, path)
            assert SCRIPT not in page.text
    assert ann.get("/console/events", query_string={"status": value}).status_code == 422
    for path in ("/console/events/{}", "/console/events/{}/status", "/console/overview/{}"):
        missing = ann.get(path.format(quote(value, safe="")))
        assert missing.status_code == 404, path
    assert ann.get(f"/console/events/{2**63 - 1}").status_code == 404
    assert ann.get(f"/console/events/{2**63}").status_code == 404


def test_a_filter_that_is_wrong_stays_in_the_form(ann: Person) -> None:
    page = ann.get("/console/events?since=yesterday&type=charge.*")
    assert page.status_code == 422
    assert 'value="yesterday"' in page.text
    assert 'value="charge.*"' in page.text
    assert "use ISO 8601" in page.text
    assert "No events" not in page.text


def test_the_overview_says_in_a_sentence_what_is_held_up(
    service: Application, shop: Shop, ann: Person
) -> None:
    assert "Nothing is held up" in ann.get("/console").text
    service.deliver(stripe_event(data={"object": PAYMENT}))
    service.work()
    shop.refuse()
    refund = {"id": "pi_story_1", "object": "payment_intent", "amount": 2000, "currency": "eur"}
    service.deliver(stripe_event("payment_intent.canceled", data={"object": refund}))
    let_die(service, 2)
    page = ann.get("/console").text
    sentence = " ".join(re.sub("<[^>]+>", "", page).split())
    assert "1 cause holds 3 events, worth 20.00 EUR; the oldest came" in sentence
    assert "connection refused" in page
    assert "Whether anything is missing is not known of paypal (default)" in sentence
    for part in ("state", "coverage", "groups", "backlog", "traffic", "jobs", "warnings"):
        fetched = ann.get(f"/console/overview/{part}", headers={"HX-Request": "true"})
        assert fetched.status_code == 200, part
        assert "<html" not in fetched.text
    assert "The last hour: 3 dead, 1 processed;" in ann.get("/console/overview/traffic").text
