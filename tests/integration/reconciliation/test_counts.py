"""Stored counts say what the events say: late, twice, at once, and not at all."""

from __future__ import annotations

from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

from jobs.counts import count_events
from payments.models import utc_now
from payments.reconciliation.counts import count_hours
from payments.reconciliation.hours import hour_of
from tests.support.application import Application
from tests.support.traffic import hour_of_events, keep

HOUR = timedelta(hours=1)
NOW = hour_of(utc_now()) + timedelta(minutes=10)
THIS_HOUR = hour_of(NOW)


def count(application: Application, now: datetime = NOW) -> int:
    with application.app.app_context():
        return count_hours(now)


def stored(application: Application) -> list[tuple[Any, ...]]:
    return sorted(
        tuple(row)
        for row in application.sql(
            "SELECT provider, account, event_type, sum(received), sum(backfilled) "
            "FROM event_counts GROUP BY provider, account, event_type"
        )
    )


def totals(application: Application, hours_back: int = 48) -> tuple[int, dict[str, int]]:
    query = {"hours_back": hours_back}
    summary = application.client.get("/reconciliation/summary", query_string=query).get_json()
    assert sum(summary["events_by_type"].values()) == summary["total_events"]
    assert sum(summary["events_by_status"].values()) == summary["total_events"]
    return summary["total_events"], summary["events_by_provider"]


def a_day(application: Application) -> None:
    """30 events of Stripe in each of the 24 hours before this one, and one backfilled of PayPal."""
    for back in range(1, 25):
        keep(application, hour_of_events(THIS_HOUR - back * HOUR, 30))
    keep(
        application,
        hour_of_events(THIS_HOUR - 2 * HOUR, 1, provider="paypal", source="backfill"),
    )


def test_the_summary_says_the_same_before_and_after_the_hours_are_counted(
    application: Application,
) -> None:
    a_day(application)
    before = totals(application)
    assert before == (721, {"stripe": 720, "paypal": 1})
    assert count(application) == 24
    assert totals(application) == before
    assert stored(application) == [
        ("paypal", "default", "charge.succeeded", 1, 1),
        ("stripe", "default", "charge.succeeded", 720, 0),
    ]


def test_counting_twice_counts_once(application: Application) -> None:
    a_day(application)
    count(application)
    before = stored(application)
    assert count(application) == 0
    assert stored(application) == before


def test_two_counts_at_once_count_each_hour_once(application: Application) -> None:
    a_day(application)
    with ThreadPoolExecutor(4) as threads:
        done = list(threads.map(lambda _: count(application), range(4)))
    assert sum(done) == 24
    assert stored(application)[1] == ("stripe", "default", "charge.succeeded", 720, 0)


def test_a_count_that_runs_late_makes_up_for_all_hours(application: Application) -> None:
    a_day(application)
    count(application, NOW - 20 * HOUR)
    keep(application, hour_of_events(THIS_HOUR, 5))
    assert count(application, NOW) == 20
    assert count(application, NOW + 3 * HOUR) == 3
    assert stored(application)[1][3] == 725


def test_an_hour_is_counted_only_when_its_last_event_must_be_committed(
    application: Application,
) -> None:
    keep(application, hour_of_events(THIS_HOUR, 3))
    end = THIS_HOUR + HOUR
    assert count(application, end + timedelta(minutes=4, seconds=59)) == 0
    keep(application, hour_of_events(THIS_HOUR, 1))
    assert count(application, end + timedelta(minutes=5)) == 1
    assert stored(application) == [("stripe", "default", "charge.succeeded", 4, 0)]


def test_an_empty_hour_is_counted_too(application: Application) -> None:
    keep(application, hour_of_events(THIS_HOUR - 3 * HOUR, 1))
    assert count(application) == 3
    assert _hours(application.sql("SELECT hour FROM counted_hours")) == 3
    assert totals(application)[0] == 1


def test_nothing_is_counted_where_nothing_has_ever_come(application: Application) -> None:
    with application.app.app_context():
        count_events()
    assert application.sql("SELECT hour FROM counted_hours") == []


def test_history_beyond_reach_is_left_alone(application: Application) -> None:
    keep(application, hour_of_events(datetime(2020, 1, 1, tzinfo=UTC), 1))
    assert count(application) == 16 * 24


def _hours(rows: Iterable[Any]) -> int:
    return len(list(rows))
