"""Runs of money: due each night, one at a time, taken up again where they were cut short."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from typing import Any

import pytest

from jobs.reconcile import reconcile_money
from payments.models import utc_now
from payments.reconciliation.counts import Source
from payments.reconciliation.locks import only_run
from payments.reconciliation.money_due import money_due, run_due
from payments.reconciliation.runs import Window, begin_run, end_run, note_progress
from tests.standins.stripe_objects import KEY, StripeObjects
from tests.support.application import Application, MakeApplication
from tests.support.service import ROOT, Service
from tests.support.waiting import eventually

STRIPE = Source("stripe", "default")
NIGHT = time(2, 30)
DAY = timedelta(days=1)
HOUR = timedelta(hours=1)
TONIGHT = datetime(2026, 3, 8, 2, 30, tzinfo=UTC)
MORNING = TONIGHT + 5 * HOUR
LAST_NIGHT = Window(start=TONIGHT - DAY, end=TONIGHT)


@pytest.fixture
def stripe() -> Iterator[StripeObjects]:
    with StripeObjects() as running:
        yield running


@pytest.fixture
def service(make_application: MakeApplication, stripe: StripeObjects) -> Application:
    return make_application(
        STRIPE_API_KEY=KEY, STRIPE_API_BASE=stripe.url, RECONCILE_REQUESTS_PER_SECOND="1000"
    )


def ran(window: Window, reason: str | None = None, reached: datetime | None = None) -> int:
    id = begin_run("money", STRIPE, window, "schedule", dry_run=False)
    note_progress(id, reached or window.end)
    end_run(id, reason)
    return id


def runs(service: Application) -> list[dict[str, Any]]:
    listed: list[dict[str, Any]] = service.admin("/reconciliation/runs").get_json()
    return listed


def due(now: datetime = MORNING) -> tuple[datetime, datetime, int | None] | None:
    found = money_due(STRIPE, now, NIGHT)
    return found and (found.window.start, found.window.end, found.resume)


def test_each_night_the_day_before_is_due_once(service: Application) -> None:
    with service.app.app_context():
        assert due() == (TONIGHT - DAY, TONIGHT, None)
        ran(LAST_NIGHT)
        assert due() is None
        assert due(TONIGHT + DAY - timedelta(minutes=1)) is None
        assert due(TONIGHT + DAY) == (TONIGHT, TONIGHT + DAY, None)


def test_nights_that_were_missed_are_made_up_for_up_to_a_month(service: Application) -> None:
    with service.app.app_context():
        ran(LAST_NIGHT)
        assert due(MORNING + 5 * DAY) == (TONIGHT, TONIGHT + 5 * DAY, None)
        assert due(MORNING + 50 * DAY) == (TONIGHT + 20 * DAY, TONIGHT + 50 * DAY, None)


def test_a_run_that_was_cut_short_goes_on_where_it_was(service: Application) -> None:
    with service.app.app_context():
        id = ran(LAST_NIGHT, "Stripe does not answer.", TONIGHT - 3 * HOUR)
        assert due() == (TONIGHT - 3 * HOUR, TONIGHT, id)


def test_a_run_that_came_to_its_end_and_could_not_see_all_is_not_repeated_all_day(
    service: Application,
) -> None:
    with service.app.app_context():
        ran(LAST_NIGHT, "STRIPE_API_KEY may not see disputes, so they were not compared.")
        assert due() is None


def test_the_job_pauses_and_goes_on_until_the_window_is_done(
    service: Application, stripe: StripeObjects
) -> None:
    with service.app.app_context():
        first = run_due(STRIPE, MORNING, NIGHT, most_seconds=-1)
        assert first is not None
        assert first.run["status"] == "incomplete"
        assert "goes on" in first.run["reason"]
        assert stripe.asked == []
        second = run_due(STRIPE, MORNING, NIGHT, most_seconds=60)
        assert second is not None
        assert (second.run["id"], second.run["status"]) == (first.run["id"], "complete")
        assert run_due(STRIPE, MORNING, NIGHT, most_seconds=60) is None
    assert len(runs(service)) == 1


def test_after_a_rate_limit_the_hours_that_are_done_are_not_asked_for_again(
    service: Application, stripe: StripeObjects
) -> None:
    stripe.misbehave("/v1/charges", "429")
    with service.app.app_context():
        first = run_due(STRIPE, MORNING, NIGHT, most_seconds=60)
        assert first is not None
        assert first.run["reached_at"] == first.run["window_start"]
        stripe.behave()
        note_progress(first.run["id"], TONIGHT - 2 * HOUR)
        stripe.asked.clear()
        assert run_due(STRIPE, MORNING, NIGHT, most_seconds=60) is not None
    assert stripe.asked.count("/v1/charges") == 2


def test_the_job_runs_for_every_account_that_has_a_key(
    service: Application, stripe: StripeObjects
) -> None:
    with service.app.app_context():
        reconcile_money()
    [run] = runs(service)
    assert (run["provider"], run["kind"], run["status"]) == ("stripe", "money", "complete")
    assert run["actor"] == "schedule"
    assert runs(service) == service.admin("/reconciliation/runs", kind="money").get_json()
    assert service.admin("/reconciliation/runs", kind="events").get_json() == []


def test_one_run_at_a_time_for_each_account(service: Application) -> None:
    with service.app.app_context(), only_run(STRIPE) as ours:
        assert ours
        with only_run(STRIPE) as second, only_run(Source("stripe", "other")) as other:
            assert (second, other) == (False, True)
        assert run_due(STRIPE, utc_now(), NIGHT, most_seconds=60) is None
        refused = service.cli("reconcile", "money")
        assert (refused.exit_code, "another run goes on" in refused.output) == (1, True)
    assert service.cli("reconcile", "money", "--hours", "1").exit_code == 0


def test_a_run_that_is_killed_does_not_keep_its_lock(
    service: Application, stripe: StripeObjects, database_url: str, redis_url: str, tmp_path: Path
) -> None:
    ours = Service(
        tmp_path,
        database_url,
        redis_url,
        STRIPE_API_KEY=KEY,
        STRIPE_API_BASE=stripe.url,
    )
    stripe.misbehave("/v1", "hang")
    process = subprocess.Popen(
        [sys.executable, "-m", "flask", "--app", "wsgi", "reconcile", "money", "--hours", "1"],
        cwd=ROOT,
        env=ours.environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        eventually(lambda: stripe.asked, "the run asks")
        assert "another run goes on" in service.cli("reconcile", "money").output
    finally:
        process.kill()
        process.wait()
    stripe.behave()
    eventually(
        lambda: service.cli("reconcile", "money", "--hours", "1").exit_code == 0, "the lock is free"
    )
    assert [run["status"] for run in runs(service)] == ["complete", "incomplete"]


def test_a_run_whose_process_died_is_incomplete_once_another_begins(service: Application) -> None:
    with service.app.app_context():
        died = begin_run("money", STRIPE, LAST_NIGHT, "test", dry_run=False)
    assert service.cli("reconcile", "money", "--hours", "1").exit_code == 0
    [latest, first] = runs(service)
    assert first["id"] == died
    assert (first["status"], latest["status"]) == ("incomplete", "complete")
    assert "process" in first["reason"]


def test_what_an_operator_runs_does_not_replace_the_night(service: Application) -> None:
    assert service.cli("reconcile", "money", "--hours", "1", "--up-to-now").exit_code == 0
    with service.app.app_context():
        assert money_due(STRIPE, utc_now(), NIGHT) is not None


def test_a_run_that_was_cut_short_can_be_resumed_by_hand(
    service: Application, stripe: StripeObjects
) -> None:
    stripe.misbehave("/v1", "429")
    assert service.cli("reconcile", "money", "--hours", "5").exit_code == 1
    stripe.behave()
    with service.app.app_context():
        note_progress(1, datetime.fromisoformat(runs(service)[0]["window_end"]) - HOUR)
    stripe.asked.clear()
    resumed = service.cli("reconcile", "money", "--resume", "1")
    assert resumed.exit_code == 0, resumed.output
    assert [(run["id"], run["status"]) for run in runs(service)] == [(1, "complete")]
    assert stripe.asked.count("/v1/charges") == 1
    for id in ("1", "2"):
        refused = service.cli("reconcile", "money", "--resume", id)
        assert (refused.exit_code, "could go on" in refused.output) == (2, True)


def test_the_table_tells_the_numbers_and_the_reason(
    service: Application, stripe: StripeObjects
) -> None:
    done = service.cli("reconcile", "money", "--hours", "2")
    assert "complete" in done.stdout
    stripe.misbehave("/v1", "401")
    cut = service.cli("reconcile", "money", "--hours", "2")
    assert cut.exit_code == 1
    assert "Run 2 is incomplete: Stripe does not accept STRIPE_API_KEY" in cut.stdout
    listed = json.loads(service.cli("reconcile", "runs", "--json").stdout)
    assert [run["status"] for run in listed] == ["incomplete", "complete"]
