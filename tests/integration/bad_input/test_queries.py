"""Queries and ids of operators that do not validate, and strange ones that do."""

from __future__ import annotations

import pytest

from tests.integration.bad_input.cases import one_database
from tests.support.application import Application
from tests.support.deliveries import ADMIN_TOKEN, stripe_event
from tests.support.refusals import assert_refused, problem_of

BAD_QUERIES = [
    *(f"limit={it}" for it in ("0", "-1", "--1", "-", "1000000000", "501", "abc", "1.5", "1e3")),
    *(f"limit={it}" for it in ("+5", "%2B5", "1_0", "0x10", "%D9%A3", "%00", "1%00", "%201", "²")),
    f"limit={'9' * 10_000}",
    *(f"cursor={it}" for it in ("0", "-1", "--1", "-", "abc", "1.5", "%00", "%FF", "null")),
    f"cursor={2**63}",
    f"cursor={10**19}",
    "cursor=1;DROP TABLE events",
    "unknown=1",
    "Limit=1",
    "limit%00=1",
    "=1",
    "limit[]=1",
    "limit=1&limit=2",
    "status=processed&status=dead",
    "status=unknown",
    "status=PROCESSED",
    "status=%00",
    "conflicts=maybe",
    "conflicts=%C4%B0",
    *(f"{name}=%00" for name in ("provider", "account", "type", "event_id", "object_id")),
    *(f"{name}=a%20b" for name in ("provider", "account", "type", "event_id", "object_id")),
    *(f"{name}={'a' * 10_000}" for name in ("provider", "account", "type", "event_id")),
    f"event_id={'a' * 256}",
    "event_id=evt_1%0A",
]


@one_database
@pytest.mark.parametrize("query", BAD_QUERIES, ids=lambda it: it[:40])
def test_a_query_that_does_not_validate_gets_a_422(application: Application, query: str) -> None:
    headers = {"Authorization": f"Bearer {ADMIN_TOKEN}"}
    response = application.client.get(f"/admin/events?{query}", headers=headers)
    assert_refused(application, response, 422)


HARMLESS_QUERIES = [
    "provider=nobody",
    "event_id='OR'1'='1",
    "event_id=%27%3BDROP%20TABLE%20events".replace("%20", "/**/"),
    "object_id=<script>alert(1)</script>",
    "type=%25",
    "type=_",
    "type=%5C",
    "type=%5C%25",
    "type=" + "*" * 255,
    "type=" + "*a" * 127 + "b",
    "account=..%2F..%2Fetc%2Fpasswd",
    "provider=%25s%25n%7B0%7D",
    "type=%FF",
    "event_id=%ED%A0%80",
    "cursor=1",
    f"event_id={'a' * 255}",
]


@pytest.mark.parametrize("query", HARMLESS_QUERIES, ids=lambda it: it[:40])
def test_a_strange_filter_that_could_be_meant_finds_only_what_it_says(
    application: Application, query: str
) -> None:
    application.deliver(stripe_event("a" * 254))
    headers = {"Authorization": f"Bearer {ADMIN_TOKEN}"}
    response = application.client.get(f"/admin/events?{query}", headers=headers)
    assert response.status_code == 200, response.text
    assert len(response.get_json()) == (query == "type=" + "*" * 255)
    assert len(application.events()) == 1


@one_database
@pytest.mark.parametrize("query", ["limit=", "cursor=", "status=", "provider=&type=&conflicts="])
def test_a_parameter_without_a_value_counts_as_absent(application: Application, query: str) -> None:
    application.deliver()
    headers = {"Authorization": f"Bearer {ADMIN_TOKEN}"}
    response = application.client.get(f"/admin/events?{query}", headers=headers)
    assert len(response.get_json()) == 1


@pytest.mark.parametrize(
    "id",
    [
        *("0", "2", "-1", "+1", "01x", "1.0", "1e0", "abc", "null", "%00", "1%00", "%201", "1%0A"),
        *("%D9%A1", "%FF", "²", "1;DROP", "' OR 1=1", "..", "<script>"),
        str(2**63 - 1),
        str(2**63),
        str(10**18),
        str(10**30),
        "9" * 10_000,
        "1/",
        "1/payload/x",
    ],
    ids=lambda it: it[:40],
)
def test_an_id_that_does_not_exist_gets_a_404(application: Application, id: str) -> None:
    application.deliver()
    problem_of(application.admin(f"/events/{id}"), 404)
