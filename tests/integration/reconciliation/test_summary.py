"""`GET /reconciliation/summary`: what it answers, whom, and what it makes of odd questions."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest

from payments.audit import Actor
from payments.models import utc_now
from payments.reconciliation.findings import sign_off
from payments.reconciliation.hours import hour_of
from tests.support.application import Application, MakeApplication
from tests.support.deliveries import ADMIN_TOKEN, stripe_event
from tests.support.traffic import an_event, hour_of_events, keep

HOUR = timedelta(hours=1)
SEED_FIELDS = (
    "period_start", "period_end", "total_events", "events_by_provider", "events_by_type",
    "anomalies", "generated_at",
)  # fmt: skip
METRICS_TOKEN = "metrics-7d1f0c3b9a5e2486"
SESSION_SECRET = "c41f0b7de2958a36c41f0b7de2958a36"


def ask(application: Application, **query: Any) -> dict[str, Any]:
    response = application.client.get("/reconciliation/summary", query_string=query)
    assert response.status_code == 200, response.text
    summary: dict[str, Any] = response.get_json()
    return summary


def moment(text: str) -> datetime:
    return datetime.fromisoformat(text)


def test_it_has_the_fields_of_the_seed_and_says_what_has_come(application: Application) -> None:
    application.deliver(stripe_event("charge.refunded"))
    application.deliver(stripe_event("charge.captured"))
    application.deliver(provider="paypal")
    summary = ask(application)
    assert all(field in summary for field in SEED_FIELDS)
    assert summary["total_events"] == 3
    assert summary["events_by_provider"] == {"stripe": 2, "paypal": 1}
    assert summary["events_by_type"]["charge.refunded"] == 1
    assert summary["events_by_status"] == {"received": 3}
    assert summary["anomalies"] == []
    assert summary["oldest_unfinished_event"]["id"] == 1
    assert 0 <= summary["oldest_unfinished_event"]["age_seconds"] < 60
    assert summary["period_end"] == summary["generated_at"]


def test_the_period_begins_with_the_hour_that_is_so_long_ago(application: Application) -> None:
    for hours in (1, 24, 168):
        summary = ask(application, hours_back=hours)
        start, end = moment(summary["period_start"]), moment(summary["period_end"])
        assert start == hour_of(end) - hours * HOUR
    assert "24" not in ask(application)["events_by_type"]


def test_what_came_before_the_period_is_not_counted(application: Application) -> None:
    keep(application, hour_of_events(hour_of(utc_now()) - 2 * HOUR, 5))
    keep(application, hour_of_events(hour_of(utc_now()) - 1 * HOUR, 7))
    assert ask(application, hours_back=1)["total_events"] == 7
    assert ask(application, hours_back=2)["total_events"] == 12


@pytest.mark.parametrize(
    "query",
    [
        "hours_back=0", "hours_back=169", "hours_back=-1", "hours_back=abc", "hours_back=1.5",
        "hours_back=", "hours_back=1e2", "hours_back=%2B5", "hours_back=+5", "hours_back=5%00",
        "hours_back=%D9%A2%D9%A4", "hours_back=24&hours_back=24", "hours_back=99999999999999999999",
        "hours_back=24&provider=stripe", "hoursback=24",
    ],
)  # fmt: skip
def test_an_odd_question_is_a_422_that_says_what_to_ask(
    application: Application, query: str
) -> None:
    response = application.client.get(f"/reconciliation/summary?{query}")
    assert response.status_code == 422
    assert response.mimetype == "application/problem+json"
    assert "hours_back" in response.get_json()["detail"]


def test_nothing_at_all_is_a_summary_too(application: Application) -> None:
    summary = ask(application)
    assert (summary["total_events"], summary["events_by_type"]) == (0, {})
    assert summary["oldest_unfinished_event"] is None
    assert summary["open_findings"] == {"total": 0, "by_kind": {}, "latest": []}


def test_a_slow_database_or_none_is_a_503(make_application: MakeApplication) -> None:
    away = make_application(DATABASE_URL="postgresql://nobody:nothing@127.0.0.1:9/none")
    assert away.client.get("/reconciliation/summary").status_code == 503


def test_open_findings_are_counted_by_kind_and_the_latest_are_shown(
    application: Application,
) -> None:
    for number in range(25):
        application.sql(
            "INSERT INTO reconciliation_findings (provider, account, source, kind, subject, detail,"
            " status, first_seen_at, last_seen_at) VALUES ('stripe', 'default', 'money', :kind,"
            " :subject, '', 'open', '2026-01-01 00:00:00', '2026-01-01 00:00:00')",
            kind="status" if number % 5 == 0 else "amount_captured",
            subject=f"pi_{number}",
        )
    with application.app.app_context():
        list(sign_off([1], Actor(name="pat"), "known"))
    found = ask(application)["open_findings"]
    assert (found["total"], found["by_kind"]) == (24, {"status": 4, "amount_captured": 20})
    assert [it["subject"] for it in found["latest"]] == [f"pi_{n}" for n in range(24, 4, -1)]


def test_the_oldest_unfinished_event_is_named_whatever_its_status(
    application: Application,
) -> None:
    now = utc_now()
    keep(
        application,
        [
            an_event(now - 9 * HOUR),
            an_event(now - 3 * HOUR, status="retrying", next_attempt_at=now + HOUR),
            an_event(now - 5 * HOUR, status="processing", next_attempt_at=now + HOUR),
            an_event(now - 2 * HOUR, status="received", next_attempt_at=now + HOUR),
        ],
    )
    oldest = ask(application)["oldest_unfinished_event"]
    assert oldest["id"] == 3
    assert oldest["age_seconds"] == pytest.approx(5 * 3600, abs=60)


@pytest.fixture
def production(make_application: MakeApplication) -> Application:
    return make_application(
        APP_ENV="prod",
        REDIS_DURABLE="1",
        PAYMENTS_PROVIDERS="stripe",
        METRICS_TOKEN=METRICS_TOKEN,
        SESSION_SECRET=SESSION_SECRET,
        LOG_LEVEL="INFO",
    )


@pytest.mark.parametrize(
    ("address", "headers", "status"),
    [
        ("203.0.113.7", {}, 401),
        ("203.0.113.7", {"Authorization": "Bearer wrong"}, 401),
        ("203.0.113.7", {"Authorization": "Basic " + METRICS_TOKEN}, 401),
        ("203.0.113.7", {"Authorization": "Bearer ü"}, 401),
        ("203.0.113.7", {"Authorization": f"Bearer {METRICS_TOKEN}"}, 200),
        ("203.0.113.7", {"Authorization": f"Bearer {ADMIN_TOKEN}"}, 200),
        ("127.0.0.1", {}, 200),
        ("::1", {}, 200),
        ("", {}, 401),
        ("127.0.0.1", {"X-Forwarded-For": "203.0.113.7"}, 401),
        ("127.0.0.1", {"Forwarded": "for=127.0.0.1"}, 401),
        ("203.0.113.7", {"X-Forwarded-For": "127.0.0.1"}, 401),
    ],
)
def test_in_production_it_wants_a_token_unless_it_is_asked_from_the_machine_itself(
    production: Application, address: str, headers: dict[str, str], status: int
) -> None:
    response = production.client.get(
        "/reconciliation/summary", headers=headers, environ_overrides={"REMOTE_ADDR": address}
    )
    assert response.status_code == status


def test_elsewhere_it_is_open(application: Application) -> None:
    response = application.client.get(
        "/reconciliation/summary", environ_overrides={"REMOTE_ADDR": "203.0.113.7"}
    )
    assert response.status_code == 200
