"""What an operator sees: health, readiness, events by API and by command line."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import urlsplit

import pytest

from tests.support.application import Application, MakeApplication
from tests.support.deliveries import stripe_event
from tests.support.servers import free_port


def test_health_says_that_the_process_is_alive(application: Application) -> None:
    response = application.client.get("/health")
    assert (response.status_code, response.get_json()["status"]) == (200, "ok")


def test_ready_names_every_check(application: Application) -> None:
    response = application.client.get("/ready")
    assert response.status_code == 200
    assert response.get_json()["checks"] == {"database": "ok", "redis": "ok", "migrations": "ok"}


def test_ready_is_503_and_names_the_dependency_that_is_away(
    make_application: MakeApplication,
) -> None:
    application = make_application(REDIS_URL=f"redis://127.0.0.1:{free_port()}/0")
    response = application.client.get("/ready")
    assert response.status_code == 503
    assert response.headers["Retry-After"]
    checks = response.get_json()["checks"]
    assert checks["redis"] != "ok"
    assert checks["database"] == checks["migrations"] == "ok"


def test_ready_notices_that_migrations_are_missing(application: Application) -> None:
    application.sql("UPDATE alembic_version SET version_num = '0000'")
    try:
        response = application.client.get("/ready")
        assert response.status_code == 503
        assert "make db-upgrade" in response.get_json()["checks"]["migrations"]
    finally:
        from payments.health import newest_migrations

        [newest] = newest_migrations()
        application.sql("UPDATE alembic_version SET version_num = :newest", newest=newest)


def test_a_database_that_is_away_is_a_503_with_retry_after_and_keeps_nothing(
    make_application: MakeApplication,
) -> None:
    away = f"postgresql://nobody:nothing@127.0.0.1:{free_port()}/none"
    application = make_application(DATABASE_URL=away)
    for response in (application.deliver(), application.admin("/events")):
        assert response.status_code == 503
        assert response.mimetype == "application/problem+json"
        assert int(response.headers["Retry-After"]) > 0
    assert application.client.get("/health").status_code == 200
    assert application.client.get("/ready").get_json()["checks"]["database"] == "does not answer"


def test_the_list_is_newest_first_and_pages_through_everything_once(
    application: Application,
) -> None:
    sent = [application.deliver().get_json()["event_id"] for _ in range(7)]
    seen: list[str] = []
    response = application.admin("/events", limit=3, provider="stripe")
    while True:
        seen += [event["event_id"] for event in response.get_json()]
        if "Link" not in response.headers:
            break
        url, relation = response.headers["Link"].split("; ")
        assert relation == 'rel="next"'
        parts = urlsplit(url.strip("<>"))
        assert "provider=stripe" in parts.query
        headers = {"Authorization": response.request.headers["Authorization"]}
        response = application.client.get(f"{parts.path}?{parts.query}", headers=headers)
    assert seen == sent[::-1]


@pytest.mark.parametrize(
    ("query", "count"),
    [
        ({"provider": "stripe"}, 3),
        ({"provider": "paypal"}, 1),
        ({"provider": "other"}, 0),
        ({"type": "charge.refunded"}, 1),
        ({"type": "charge.*"}, 2),
        ({"type": "CHARGE.*"}, 0),
        ({"type": "charge_refunded"}, 0),
        ({"type": "*refund*"}, 1),
        ({"status": "received"}, 4),
        ({"status": "dead"}, 0),
        ({"account": "default"}, 4),
        ({"object_id": "ch_1"}, 1),
    ],
)
def test_filters_choose(application: Application, query: dict[str, str], count: int) -> None:
    application.deliver(stripe_event("charge.refunded", data={"object": {"id": "ch_1"}}))
    application.deliver(stripe_event("charge.captured"))
    application.deliver(stripe_event("payout.paid"))
    application.deliver(provider="paypal")
    assert len(application.events(**query)) == count


def test_the_command_line_lists_and_shows_the_same(application: Application) -> None:
    application.deliver(stripe_event("charge.refunded"))
    [listed] = application.events()
    result = application.cli("events", "list", "--type", "charge.*", "--json")
    assert json.loads(result.stdout) == [listed]
    shown = application.cli("events", "show", str(listed["id"]), "--json")
    assert json.loads(shown.stdout) == application.event(listed["id"])
    table = application.cli("events", "list").stdout
    assert listed["event_id"] in table


def test_the_command_line_says_what_is_wrong(application: Application) -> None:
    unknown = application.cli("events", "show", "999")
    assert (unknown.exit_code, "no event with this id" in unknown.stderr) == (1, True)
    odd = application.cli("events", "list", "--type", "a b")
    assert (odd.exit_code, "printable ASCII" in odd.stderr) == (2, True)


def test_check_gives_its_verdict_without_any_value(application: Application) -> None:
    result = application.cli("check")
    assert result.exit_code == 0, result.output
    assert "verdict: ready to run" in result.stdout
    for secret in application.app.extensions["payments.settings"].secrets:
        assert secret not in result.output


def test_check_fails_where_a_dependency_is_away(make_application: MakeApplication) -> None:
    application = make_application(REDIS_URL=f"redis://127.0.0.1:{free_port()}/0")
    result = application.cli("check")
    assert result.exit_code == 1
    assert "redis: does not answer" in result.stdout


def test_status_says_what_is_left_and_how_old_the_oldest_stranded_event_is(
    application: Application,
) -> None:
    def status(*arguments: str) -> tuple[int, dict[str, Any]]:
        result = application.cli("status", "--json", *arguments)
        return result.exit_code, json.loads(result.stdout)

    application.deliver()
    code, backlog = status("--alert-after", "60")
    assert code == 0
    assert (backlog["unfinished"]["received"], backlog["queued_jobs"]) == (1, 1)
    assert backlog["oldest_stranded_seconds"] == 0
    application.queue.connection.flushall()
    application.sql(
        "UPDATE events SET received_at = '2020-01-01 00:00:00.000000', "
        "next_attempt_at = '2020-01-01 00:00:00.000000'"
    )
    code, backlog = status("--alert-after", "60")
    assert code == 1
    assert backlog["oldest_stranded_seconds"] == backlog["oldest_unfinished_seconds"] > 1e6
    assert "oldest_stranded_seconds" in application.cli("status").stdout
