"""A run that could not see all says so and why, keeps what it has, and is taken up again."""

from __future__ import annotations

import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest

from payments.models import utc_now
from payments.reconciliation.counts import Source
from payments.reconciliation.locks import only_run
from tests.standins.stripe_events import KEY, LIVE_KEY, StripeEvents
from tests.support.application import Application, MakeApplication
from tests.support.coverage import (
    HOUR,
    findings,
    hour_name,
    hours,
    ids,
    kept,
    made,
    past_hour,
    reconcile,
)
from tests.support.service import ROOT, Service
from tests.support.waiting import eventually

STRIPE = Source("stripe", "default")


@pytest.mark.parametrize(
    ("how", "reason"),
    [
        ("429", "fewer questions (status 429)"),
        ("500", "status 500"),
        ("401", "does not accept STRIPE_API_KEY"),
        ("403", "may not see /v1/events (status 403)"),
        ("400", "does not take the question"),
        ("404", "has no list of events"),
        ("html", "not JSON"),
        ("text", "is not a list"),
        ("empty", "says that there are more events, and lists none"),
        ("drop", "does not answer"),
    ],
)
def test_a_list_that_fails_makes_the_run_incomplete_with_its_reason(
    service: Application, stripe: StripeEvents, how: str, reason: str
) -> None:
    stripe.put(*made(3))
    stripe.misbehave("/v1/events", how)
    run = reconcile(service, "--hours", "2", code=1)
    assert run["status"] == "incomplete"
    assert reason in run["reason"]
    assert "Maintenance" not in run["reason"]
    assert KEY not in run["reason"]
    assert (kept(service), findings(service)) == (set(), [])
    assert hours(service)[hour_name(past_hour())] == ("incomplete", 0, 0, 0)


def test_a_list_that_goes_round_is_left(service: Application, stripe: StripeEvents) -> None:
    stripe.most = 2
    stripe.put(*made(4))
    stripe.misbehave("/v1/events", "circle")
    run = reconcile(service, "--hours", "2", code=1)
    assert "one cursor came twice" in run["reason"]
    assert hours(service)[hour_name(past_hour())][0] == "incomplete"


def test_what_was_seen_before_it_was_cut_short_is_here_and_the_rest_is_taken_up_by_the_next_run(
    service: Application, stripe: StripeEvents
) -> None:
    old, cut, late = (made(3, past_hour(back)) for back in (9, 8, 7))
    stripe.most = 2
    stripe.put(*old, *cut, *late)
    # One request for the endpoints, two pages of the first hour, one of the second.
    stripe.misbehave("/v1/events", "429", after=4)
    run = reconcile(service, "--hours", "9", code=1)
    assert (run["status"], run["fetched"]) == ("incomplete", 5)
    assert ids(old) < kept(service)
    assert [hours(service)[hour_name(past_hour(back))][0] for back in (9, 8, 7)] == [
        "complete", "incomplete", "incomplete",
    ]  # fmt: skip
    stripe.behave()
    stripe.asked.clear()
    again = reconcile(service, "--hours", "1")
    assert (again["status"], again["fetched"]) == ("complete", 4)
    assert kept(service) == ids(old + cut + late)
    assert {hours(service)[hour_name(past_hour(back))][0] for back in (9, 8, 7)} == {"complete"}
    first = str(int(past_hour(9).timestamp()))
    assert first not in {query["created[gte]"] for query in stripe.lists()}


def test_hours_that_nobody_looked_at_are_made_up_for(
    service: Application, stripe: StripeEvents
) -> None:
    since = past_hour(30)
    until = (since + HOUR).strftime("%Y-%m-%dT%H:%M")
    reconcile(service, "--since", since.isoformat(), "--until", until)
    missed = made(2, past_hour(20))
    stripe.put(*missed)
    assert reconcile(service, "--hours", "1")["fetched"] == 2
    known = hours(service)
    assert [n for n in range(2, 31) if hour_name(past_hour(n)) not in known] == []


def test_an_hour_that_was_complete_stays_so_when_a_later_run_is_cut_short(
    service: Application, stripe: StripeEvents
) -> None:
    stripe.put(*made(1))
    reconcile(service, "--hours", "3")
    stripe.misbehave("/v1/events", "500")
    reconcile(service, "--hours", "3", code=1)
    assert hours(service)[hour_name(past_hour())] == ("complete", 1, 1, 0)


def test_hours_that_the_provider_no_longer_lists_are_said_to_be_unseen(
    service: Application, stripe: StripeEvents
) -> None:
    run = reconcile(service, "--hours", str(31 * 24), code=1)
    assert run["status"] == "incomplete"
    assert "stripe lists events for 30 days" in run["reason"]
    assert hours(service)[hour_name(past_hour(31 * 24))] == ("incomplete", 0, 0, 0)
    asked = min(int(query["created[gte]"]) for query in stripe.lists())
    assert asked >= (utc_now() - timedelta(days=30)).timestamp()


def test_a_key_of_another_account_is_seen_by_what_it_does_not_know(
    service: Application, stripe: StripeEvents
) -> None:
    service.deliver(made(1)[0])
    foreign = made(3)
    stripe.put(*foreign)
    run = reconcile(service, "--hours", "3", code=1)
    assert "the key is of another account" in run["reason"]
    assert not kept(service) & ids(foreign)


def test_a_key_of_the_other_mode_is_seen_before_anything_is_asked(
    make_application: MakeApplication, environment: dict[str, str], stripe: StripeEvents
) -> None:
    service = make_application(**{**environment, "STRIPE_API_KEY": LIVE_KEY})
    service.deliver(made(1)[0])
    run = reconcile(service, "--hours", "3", code=1)
    assert run["reason"] == (
        "The key is a live key, and the latest events that are kept here are tests."
    )
    assert stripe.lists() == []


def test_another_key_is_seen_also_where_all_was_fetched_and_nothing_came_by_itself(
    make_application: MakeApplication, environment: dict[str, str], stripe: StripeEvents
) -> None:
    stripe.put(*made(2))
    first = make_application(**environment)
    reconcile(first, "--hours", "3")
    known = hours(first)
    service = make_application(**{**environment, "STRIPE_API_KEY": LIVE_KEY})
    assert "The key is a live key" in reconcile(service, "--hours", "3", code=1)["reason"]
    stripe.forget()
    stripe.put(*made(3))
    assert "another account" in reconcile(first, "--hours", "3", code=1)["reason"]
    assert hours(first) == known


def test_a_key_that_is_wrong_is_named_and_not_shown(
    make_application: MakeApplication, environment: dict[str, str]
) -> None:
    wrong = "sk_test_wrong_5f0c"
    service = make_application(**{**environment, "STRIPE_API_KEY": wrong})
    done = service.cli("reconcile", "run", "--hours", "2")
    assert done.exit_code == 1
    assert "does not accept STRIPE_API_KEY" in done.output
    assert wrong not in done.output


def test_without_a_key_nothing_can_be_asked(make_application: MakeApplication) -> None:
    service = make_application()
    done = service.cli("reconcile", "run")
    assert done.exit_code == 3
    assert "set STRIPE_API_KEY" in done.output


@pytest.mark.parametrize(
    "options",
    [
        ("--hours", "0"),
        ("--hours", "-1"),
        ("--hours", "abc"),
        ("--hours", "2161"),
        ("--provider", "adyen"),
        ("--since", "yesterday"),
        ("--since", "0001-01-01"),
        ("--since", "9999-12-31"),
        ("--since", "2999-01-01"),
        ("--since", "5h", "--until", "6h"),
        ("--since", "2001-01-01"),
        ("--since", "2026-01-02", "--until", "2026-01-01"),
        ("--until", "2026-01-01"),
    ],
)
def test_wrong_usage_is_told(service: Application, options: tuple[str, ...]) -> None:
    done = service.cli("reconcile", "run", *options)
    assert done.exit_code == 2
    assert "--" in done.output
    assert service.admin("/reconciliation/runs").get_json() == []


def test_one_run_at_a_time_for_each_account(service: Application) -> None:
    with service.app.app_context(), only_run(STRIPE):
        refused = service.cli("reconcile", "run", "--hours", "1")
    assert refused.exit_code == 3
    assert "stripe (default): another run goes on" in refused.output
    assert service.cli("reconcile", "run", "--hours", "1").exit_code == 0


def test_a_run_that_is_killed_is_incomplete_and_the_next_does_what_it_left(
    service: Application, stripe: StripeEvents, database_url: str, redis_url: str, tmp_path: Path
) -> None:
    events = made(2, past_hour(6))
    stripe.put(*events)
    ours = Service(
        tmp_path, database_url, redis_url, STRIPE_API_KEY=KEY, STRIPE_API_BASE=stripe.url
    )
    stripe.misbehave("/v1/events", "hang")
    process = subprocess.Popen(
        [sys.executable, "-m", "flask", "--app", "wsgi", "reconcile", "run", "--hours", "8"],
        cwd=ROOT,
        env=ours.environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        eventually(stripe.lists, "the run asks")
        assert service.cli("reconcile", "run").exit_code == 3
    finally:
        process.kill()
        process.wait()
    stripe.behave()
    eventually(
        lambda: service.cli("reconcile", "run", "--hours", "1").exit_code == 0, "the lock is free"
    )
    assert kept(service) == ids(events)
    [latest, killed] = service.admin("/reconciliation/runs").get_json()
    assert (latest["status"], killed["status"]) == ("complete", "incomplete")
    assert "process" in killed["reason"]
