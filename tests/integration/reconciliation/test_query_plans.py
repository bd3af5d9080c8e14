"""The summary is answered from indexes and stored counts, however many events there are."""

from __future__ import annotations

from datetime import timedelta

import pytest

from payments.models import utc_now
from payments.reconciliation.counts import count_hours
from payments.reconciliation.hours import hour_of
from tests.support.application import Application
from tests.support.plans import scanned, statements, tidy
from tests.support.traffic import hour_of_events, keep

HOUR = timedelta(hours=1)
DAYS = 45
LARGE = {"events", "event_payloads", "event_conflicts"}


@pytest.fixture
def full(application: Application) -> Application:
    """45 days of events, with a few that are unfinished and dead."""
    now = utc_now()
    rows = []
    for back in range(DAYS * 24):
        hour = hour_of(now) - back * HOUR
        rows += hour_of_events(hour, 30, event_type=f"type.{back % 20}")
        rows += hour_of_events(hour, 1, status="dead")
    rows += hour_of_events(hour_of(now), 20, status="received", next_attempt_at=now)
    keep(application, rows)
    take_ids_twice(application)
    tidy(application)
    return application


def take_ids_twice(application: Application) -> None:
    """One in fifty ids was used for another event too."""
    application.sql(
        "INSERT INTO event_conflicts (event_id, event_type, received_at, body, sha256) "
        "SELECT id, event_type, received_at, :body, event_id FROM events WHERE id % 50 = 0",
        body=b"x" * 500,
    )


@pytest.mark.parametrize("counted", [True, False])
@pytest.mark.parametrize("hours_back", [24, 168])
def test_no_query_of_the_summary_scans_the_events(
    full: Application, hours_back: int, counted: bool
) -> None:
    if counted:
        with full.app.app_context():
            count_hours(utc_now())
        tidy(full)
    with statements(full) as sent:
        answer = full.client.get(f"/reconciliation/summary?hours_back={hours_back}")
    assert answer.status_code == 200
    assert answer.get_json()["total_events"] > hours_back * 31
    assert len(sent) >= 8
    for one in sent:
        assert scanned(full, [one]) & LARGE == set(), one
    assert not any("event_payloads" in text for text, _ in sent)


def test_a_scan_would_be_noticed(full: Application) -> None:
    assert scanned(full, [("SELECT * FROM events WHERE api_version = 'x'", ())]) == {"events"}


def test_counting_an_hour_does_not_scan_the_events(full: Application) -> None:
    with statements(full) as sent, full.app.app_context():
        assert count_hours(utc_now()) > 0
    assert scanned(full, sent) & LARGE == set()
