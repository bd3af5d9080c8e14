"""Reconciliation of events with Stripe: what is missing is found and fetched."""

from __future__ import annotations

import csv
import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from jobs.reconcile import reconcile_events
from payments.handlers import handles
from payments.models import utc_now
from payments.reconciliation.hours import hour_of
from tests.standins.stripe_events import RESTRICTED_KEY, StripeEvents
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
from tests.support.deliveries import ADMIN_TOKEN, customer_event


def test_exactly_what_is_missing_is_fetched_and_ends_processed(
    service: Application, stripe: StripeEvents
) -> None:
    events = made(250)
    stripe.put(*events)
    for event in events[::10]:
        service.deliver(event)
    run = reconcile(service, "--hours", "3")
    assert (run["status"], run["theirs"], run["ours"]) == ("complete", 250, 250)
    assert (run["missing"], run["fetched"], run["findings"]) == (225, 225, 0)
    assert kept(service) == ids(events)
    fetched = {it["event_id"] for it in service.events(limit=500) if it["source"] == "backfill"}
    assert fetched == ids(events) - ids(events[::10])
    service.work()
    assert {event["status"] for event in service.events(limit=500)} == {"processed"}
    assert hours(service)[hour_name(past_hour())] == ("complete", 250, 250, 0)


def test_once_all_is_processed_the_verdict_says_so_in_a_sentence(
    service: Application, stripe: StripeEvents
) -> None:
    stripe.put(*made(3))
    first = service.cli("reconcile", "run", "--hours", "3").stdout
    assert (
        "made 3 events, 3 are here, 3 of them fetched just now, 3 are not processed yet." in first
    )
    service.work()
    hour = past_hour()
    until = (hour + HOUR).strftime("%Y-%m-%dT%H:%M")
    told = service.cli("reconcile", "run", "--since", hour.isoformat(), "--until", until)
    assert told.exit_code == 0
    assert told.stdout.splitlines()[-1] == (
        f"between {hour:%Y-%m-%d %H:%M} and {hour + HOUR:%Y-%m-%d %H:%M} stripe (default) "
        "made 3 events, 3 are here, all are processed."
    )


def test_a_long_list_of_what_is_missing_is_cut_off_for_people(
    service: Application, stripe: StripeEvents
) -> None:
    stripe.put(*made(23))
    told = service.cli("reconcile", "run", "--hours", "3", "--dry-run").stdout
    assert told.count("evt_") == 20
    assert "And 3 more; --json lists all." in told


def test_a_webhook_that_comes_later_is_a_duplicate_however_it_is_worded(
    service: Application, stripe: StripeEvents
) -> None:
    [event] = made(1)
    stripe.put(event)
    reconcile(service, "--hours", "3")
    worded = json.loads(json.dumps(event))
    worded["data"]["object"]["amount"] = 2001
    answer = service.deliver({**worded, "pending_webhooks": 0})
    assert answer.status_code == 200
    assert "conflict" not in answer.get_json()
    assert service.events(conflicts="true") == []
    [row] = service.events()
    assert row["source"] == "backfill"


def test_another_event_under_a_fetched_id_is_still_a_conflict(
    service: Application, stripe: StripeEvents
) -> None:
    [event] = made(1)
    stripe.put(event)
    reconcile(service, "--hours", "3")
    other = {**event, "data": {"object": {"id": "pi_other"}}}
    assert service.deliver(other).get_json()["conflict"] is True


def test_what_was_missing_is_a_finding_that_is_resolved_by_its_fetching(
    service: Application, stripe: StripeEvents
) -> None:
    [event] = made(1)
    stripe.put(event)
    reconcile(service, "--hours", "3")
    [finding] = findings(service)
    assert (finding["kind"], finding["subject"]) == ("missing_event", event["id"])
    assert finding["status"] == "resolved"
    assert finding["expected"].startswith("payment_intent.succeeded, made ")


def test_an_event_that_cannot_be_taken_in_is_a_gap_until_it_comes(
    service: Application, stripe: StripeEvents
) -> None:
    [event] = made(1)
    broken = {**event, "account": "not an account"}
    stripe.put(broken)
    run = reconcile(service, "--hours", "3", code=1)
    assert (run["status"], run["missing"], run["fetched"], run["findings"]) == ("complete", 1, 0, 1)
    assert hours(service)[hour_name(past_hour())] == ("gaps", 1, 0, 1)
    assert [it["status"] for it in findings(service)] == ["open"]
    assert "1 is missing" in run["verdict"]
    service.deliver(event)
    reconcile(service, "--hours", "1")
    assert [it["status"] for it in findings(service)] == ["resolved"]
    assert hours(service)[hour_name(past_hour())] == ("complete", 1, 1, 0)


def test_a_dry_run_shows_what_is_missing_and_changes_nothing(
    service: Application, stripe: StripeEvents
) -> None:
    events = made(2)
    stripe.put(*events)
    run = reconcile(service, "--hours", "3", "--dry-run", code=1)
    assert {it["event_id"] for it in run["missing_events"]} == ids(events)
    assert (run["missing"], run["fetched"], run["dry_run"]) == (2, 0, True)
    assert (kept(service), findings(service), hours(service)) == (set(), [], {})


def test_the_hour_that_goes_on_and_one_that_may_lag_stay_open(
    service: Application, stripe: StripeEvents
) -> None:
    run = reconcile(service, "--hours", "3")
    states = [it["state"] for it in run["hours"]]
    assert states[:2] == ["complete", "complete"]
    assert set(states[3:]) <= {"open"}
    stripe.put(*made(1, utc_now() - timedelta(seconds=3)))
    assert reconcile(service, "--hours", "1")["theirs"] == 0
    now = reconcile(service, "--hours", "1", "--up-to-now")
    assert (now["theirs"], now["hours"][-1]["state"]) == (1, "open")
    assert "still open" in now["verdict"]


def test_an_event_that_appears_late_is_found_by_a_later_run(
    service: Application, stripe: StripeEvents
) -> None:
    stripe.put(*made(1))
    assert reconcile(service, "--hours", "3")["theirs"] == 1
    [late] = made(1)
    stripe.put(late)
    run = reconcile(service, "--hours", "3")
    assert (run["theirs"], run["missing"], run["fetched"]) == (2, 1, 1)
    assert late["id"] in kept(service)


def test_a_list_is_asked_for_the_types_of_the_endpoints_that_are_on(
    service: Application, stripe: StripeEvents
) -> None:
    stripe.endpoints = [["charge.refunded"], ["payment_intent.succeeded", "charge.refunded"]]
    stripe.put(*made(2), *made(3, type="customer.updated"))
    assert reconcile(service, "--hours", "3")["theirs"] == 2
    asked = stripe.lists()[0]
    assert [asked["types[0]"], asked["types[1]"]] == ["charge.refunded", "payment_intent.succeeded"]


def test_more_than_twenty_types_are_filtered_here(
    service: Application, stripe: StripeEvents
) -> None:
    stripe.endpoints = [[f"type.{n}" for n in range(25)]]
    stripe.put(*made(2, type="type.24"), *made(1, type="type.25"))
    assert reconcile(service, "--hours", "3")["theirs"] == 2
    assert not any(name.startswith("types") for query in stripe.lists() for name in query)


@pytest.mark.parametrize(("configured", "expected"), [("customer.*", 2), ("", 3)])
def test_without_the_right_to_see_endpoints_it_is_what_is_configured_or_handled(
    make_application: MakeApplication,
    environment: dict[str, str],
    stripe: StripeEvents,
    configured: str,
    expected: int,
) -> None:
    @handles("stripe", "topup.*")
    def handler(*_: object) -> None: ...

    service = make_application(
        **{**environment, "STRIPE_API_KEY": RESTRICTED_KEY}, STRIPE_EVENT_TYPES=configured
    )
    stripe.put(*made(2, type="customer.updated"))
    stripe.put(*made(1, type="topup.created"), *made(2, type="charge.refunded"))
    assert reconcile(service, "--hours", "3")["theirs"] == expected


def test_an_api_that_refuses_parameters_is_asked_without_and_filtered_here(
    service: Application, stripe: StripeEvents
) -> None:
    stripe.endpoints = [["payment_intent.succeeded"]]
    stripe.refuses = ("types", "created", "ending_before")
    stripe.put(*made(2), *made(1, type="customer.updated"), *made(4, past_hour(20)))
    run = reconcile(service, "--hours", "3")
    assert (run["theirs"], run["fetched"]) == (2, 2)


def test_pages_are_followed_to_their_end_also_when_they_are_slow(
    service: Application, stripe: StripeEvents
) -> None:
    stripe.most, stripe.slow_seconds = 2, 0.05
    stripe.put(*made(7))
    assert reconcile(service, "--hours", "2")["theirs"] == 7


def test_connected_accounts_that_sent_events_are_asked_about_as_well(
    service: Application, stripe: StripeEvents
) -> None:
    [known, missing] = made(2, account="acct_1Shop")
    stripe.put(known, missing, account="acct_1Shop")
    service.deliver(known)
    done = service.cli("reconcile", "run", "--hours", "3", "--account", "acct_1Shop", "--json")
    [run] = json.loads(done.stdout)
    assert (run["account"], run["theirs"], run["fetched"]) == ("acct_1Shop", 2, 1)
    assert kept(service, account="acct_1Shop") == {known["id"], missing["id"]}
    assert hours(service, "acct_1Shop")[hour_name(past_hour())] == ("complete", 2, 2, 0)
    summary = service.client.get(
        "/reconciliation/summary",
        query_string={"hours_back": 2},
        headers={"Authorization": f"Bearer {ADMIN_TOKEN}"},
    ).get_json()
    verdicts = {it["account"]: it["verdict"] for it in summary["coverage"]}
    assert verdicts["acct_1Shop"] == "complete"
    both = json.loads(service.cli("reconcile", "run", "--hours", "3", "--json").stdout)
    assert [it["account"] for it in both] == ["default", "acct_1Shop"]


def test_fetching_keeps_to_its_rate(
    make_application: MakeApplication, environment: dict[str, str], stripe: StripeEvents
) -> None:
    service = make_application(**{**environment, "RECONCILE_MAX_PER_SECOND": "10"})
    stripe.put(*made(6))
    began = utc_now()
    assert reconcile(service, "--hours", "2")["fetched"] == 6
    assert utc_now() - began > timedelta(seconds=0.5)


def test_the_hours_can_be_written_as_csv(
    service: Application, stripe: StripeEvents, tmp_path: Path
) -> None:
    stripe.put(*made(2))
    file = tmp_path / "hours.csv"
    assert service.cli("reconcile", "run", "--hours", "2", "--csv", str(file)).exit_code == 0
    [first, *_] = list(csv.DictReader(file.read_text().splitlines()))
    assert (first["provider"], first["state"], first["theirs"]) == ("stripe", "complete", "2")


def test_the_job_looks_at_the_day_once_a_night_and_at_two_hours_otherwise(
    service: Application, stripe: StripeEvents
) -> None:
    stripe.put(*made(1, past_hour(20)), *made(1))
    customer: dict[str, Any] = customer_event()
    stripe.put(customer)
    with service.app.app_context():
        reconcile_events()
        reconcile_events()
    listed = service.admin("/reconciliation/runs", kind="events").get_json()
    assert [it["actor"] for it in listed] == ["schedule", "schedule, nightly"]
    assert [it["theirs"] for it in listed] == [1, 2]
    assert hours(service)[hour_name(hour_of(utc_now()) - 20 * HOUR)][0] == "complete"
