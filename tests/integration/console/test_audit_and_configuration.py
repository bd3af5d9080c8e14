"""Who did what, and what is set: nothing of either is a secret's value."""

from __future__ import annotations

import csv
import io

import pytest

from tests.support.application import Application, MakeApplication
from tests.support.console import Person
from tests.support.deliveries import ADMIN_TOKEN, STRIPE_SECRET, stripe_headers

OLD_SECRET = "whsec_old0123456789abcdef0123456789"


@pytest.fixture
def service(make_application: MakeApplication) -> Application:
    return make_application(STRIPE_SIGNING_SECRET=f"{STRIPE_SECRET},{OLD_SECRET}")


@pytest.fixture
def operator(service: Application) -> Person:
    person = Person(service.app)
    person.log_in()
    return person


def test_the_audit_log_is_filtered_and_exported_as_a_whole(
    service: Application, operator: Person
) -> None:
    service.deliver()
    service.work()
    [event] = service.events()
    for reason in ("=cmd|' /C calc'!A0", "<script>alert(1)</script>"):
        service.client.post(
            f"/admin/events/{event['id']}/replay",
            json={"reason": reason},
            headers={"Authorization": f"Bearer {ADMIN_TOKEN}"},
        )
    page = operator.get("/console/audit", query_string={"event_id": str(event["id"])})
    assert "&lt;script&gt;alert(1)" in page.text
    assert "<script>alert" not in page.text
    assert "No lines match" in operator.get("/console/audit?actor=nobody").text
    export = operator.get(f"/console/audit.csv?event_id={event['id']}")
    assert export.mimetype == "text/csv"
    rows = list(csv.DictReader(io.StringIO(export.text)))
    assert [row["reason"] for row in rows] == ["<script>alert(1)</script>", "'=cmd|' /C calc'!A0"]


def test_a_filter_of_the_audit_log_that_means_nothing_is_refused(operator: Person) -> None:
    for query in ["event_id=abc", "event_id=-1", "since=never", "action=%00", "before=x", "who=me"]:
        page = operator.get(f"/console/audit?{query}")
        assert page.status_code == 422, query
        assert query.split("=")[0] in page.text


def test_the_configuration_says_what_is_set_and_which_secret_matched_last(
    service: Application, operator: Person
) -> None:
    assert "matched last" not in operator.get("/console/configuration").text
    service.deliver(buffered=True)
    page = operator.get("/console/configuration").text
    assert page.count("STRIPE_SIGNING_SECRET#") == 2
    assert page.count("matched last") == 1
    assert "never" in page
    assert "<code>STRIPE_SIGNING_SECRET</code></td><td>environment</td>" in page
    assert "Ready to run" in page
    for secret in (STRIPE_SECRET, OLD_SECRET, ADMIN_TOKEN):
        assert secret not in page


def test_deliveries_by_an_old_secret_show_that_it_is_still_used(
    service: Application, operator: Person
) -> None:
    body = b'{"id": "evt_1", "type": "a.b", "object": "event", "data": {"object": {"id": "x"}}}'
    headers = stripe_headers(body, secret=OLD_SECRET)
    assert (
        service.client.post(
            "/webhooks/stripe", data=body, headers=headers, buffered=True
        ).status_code
        == 200
    )
    [label] = [row[0] for row in service.sql("SELECT label FROM secret_uses")]
    page = operator.get("/console/configuration").text
    assert page.index(label) < page.index("matched last")
