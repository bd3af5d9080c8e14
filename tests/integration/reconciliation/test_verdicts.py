"""The verdict on each account's hours: only what was seen whole is complete."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest

from payments.database import snapshot
from payments.models import utc_now
from payments.reconciliation.counts import Source
from payments.reconciliation.hours import hour_of
from payments.reconciliation.summary import summarize
from tests.support.application import Application
from tests.support.traffic import an_event, keep

HOUR = timedelta(hours=1)
STRIPE = Source("stripe", "default")
NOW = hour_of(utc_now()) + timedelta(minutes=50)
THIS_HOUR = hour_of(NOW)


def coverage(
    application: Application, *, has_key: bool = True, hours_back: int = 3, now: datetime = NOW
) -> dict[str, Any]:
    with application.app.app_context(), snapshot() as session:
        summary = summarize(session, {STRIPE: has_key}, hours_back, now, job_timeout_seconds=180)
    [found] = summary["coverage"]
    described: dict[str, Any] = found
    return described


def compared(application: Application, back: int, state: str, missing: int = 0) -> None:
    application.sql(
        "INSERT INTO reconciliation_hours (provider, account, theirs, ours, processed, "
        "hour, state, missing, checked_at) "
        "VALUES ('stripe', 'default', 9, 9, 9, :hour, :state, :missing, :now)",
        hour=(THIS_HOUR - back * HOUR).replace(tzinfo=None).isoformat(" ") + ".000000",
        now=NOW.replace(tzinfo=None).isoformat(" ") + ".000000",
        state=state,
        missing=missing,
    )


def test_hours_that_were_all_seen_whole_are_complete(application: Application) -> None:
    for back in (1, 2, 3):
        compared(application, back, "complete")
    compared(application, 0, "open")
    found = coverage(application)
    assert (found["verdict"], found["reason"]) == ("complete", None)
    assert [it["state"] for it in found["hours"]] == ["complete"] * 3 + ["open"]
    assert {"hour", "state", "theirs", "ours", "processed", "missing", "checked_at"} == set(
        found["hours"][0]
    )


def test_what_is_processed_is_told_as_it_is_now_and_not_as_a_run_saw_it(
    application: Application,
) -> None:
    for back in (1, 2, 3):
        compared(application, back, "complete")
    late, other = THIS_HOUR - 2 * HOUR, THIS_HOUR - HOUR
    for made, status in ((late, "dead"), (late, "retrying"), (other, "received")):
        keep(application, [an_event(NOW, provider_created_at=made, status=status)])
    keep(application, [an_event(NOW, provider_created_at=late)])
    keep(application, [an_event(NOW, provider_created_at=late, status="dead", account="acme")])
    found = coverage(application)
    assert [it["processed"] for it in found["hours"][:3]] == [9, 7, 8]
    assert (found["verdict"], found["reason"]) == (
        "complete",
        "All are here; 3 are not processed.",
    )
    application.sql("UPDATE events SET status = 'discarded' WHERE status <> 'processed'")
    found = coverage(application)
    assert [it["processed"] for it in found["hours"][:3]] == [9, 9, 9]
    assert found["reason"] is None


def test_silence_is_never_complete(application: Application) -> None:
    found = coverage(application)
    assert found["verdict"] == "unknown"
    assert found["reason"] == "Not known: 3 hours not compared."
    assert [it["state"] for it in found["hours"]] == ["unknown"] * 4


@pytest.mark.parametrize(("state", "why"), [("incomplete", "cut short"), ("open", "to its end")])
def test_an_hour_that_was_not_seen_to_its_end_makes_it_unknown(
    application: Application, state: str, why: str
) -> None:
    compared(application, 1, "complete")
    compared(application, 2, state)
    compared(application, 3, "complete")
    found = coverage(application)
    assert found["verdict"] == "unknown"
    assert found["reason"].startswith("Not known: 1 hour ")
    assert why in found["reason"]


def test_a_gap_outweighs_what_is_not_known(application: Application) -> None:
    compared(application, 1, "gaps", 2)
    compared(application, 2, "incomplete")
    assert coverage(application)["verdict"] == "gaps"
    assert coverage(application, has_key=False)["verdict"] == "gaps"


def test_without_a_key_nothing_is_known_that_was_not_known_before(
    application: Application,
) -> None:
    for back in (1, 2, 3):
        compared(application, back, "complete")
    found = coverage(application, has_key=False)
    assert found["verdict"] == "unknown"
    assert "key" in found["reason"]


def test_the_hour_that_has_just_ended_may_still_be_open(application: Application) -> None:
    for back in (2, 3):
        compared(application, back, "complete")
    just_after = THIS_HOUR + timedelta(minutes=44)
    assert coverage(application, now=just_after)["verdict"] == "complete"
    assert coverage(application, now=just_after + timedelta(minutes=1))["verdict"] == "unknown"


def test_a_period_of_which_no_hour_is_over_is_unknown(application: Application) -> None:
    found = coverage(application, hours_back=1, now=THIS_HOUR + timedelta(minutes=5))
    assert (found["verdict"], found["reason"]) == ("unknown", "No hour of this period is over.")


def test_every_configured_account_has_its_verdict_in_the_answer(application: Application) -> None:
    summary = application.client.get("/reconciliation/summary").get_json()
    assert [(it["provider"], it["verdict"]) for it in summary["coverage"]] == [
        ("paypal", "unknown"),
        ("stripe", "unknown"),
    ]
