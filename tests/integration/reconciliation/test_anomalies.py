"""Anomalies of the summary: real ones are told in a sentence, and ordinary days are quiet."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from payments.models import utc_now
from payments.reconciliation.counts import count_hours
from payments.reconciliation.hours import hour_of
from tests.support.application import Application
from tests.support.deliveries import stripe_event
from tests.support.traffic import an_event, hour_of_events, keep

HOUR = timedelta(hours=1)
WEEK = 8 * 24


def anomalies(application: Application, hours_back: int = 24) -> list[dict[str, Any]]:
    query = {"hours_back": hours_back}
    response = application.client.get("/reconciliation/summary", query_string=query)
    found: list[dict[str, Any]] = response.get_json()["anomalies"]
    for anomaly in found:
        assert set(anomaly) == {"kind", "provider", "account", "since", "message", "numbers"}
        assert anomaly["message"].endswith((".", "?"))
    return found


def past(application: Application, number: int, until: datetime, **changes: Any) -> None:
    """Eight days with `number` events in each hour, up to `until`; counted."""
    for back in range(1, WEEK + 1):
        keep(application, hour_of_events(until - back * HOUR, number, **changes))
    with application.app.app_context():
        count_hours(utc_now())


def test_a_provider_that_has_gone_silent_is_told(application: Application) -> None:
    quiet_since = hour_of(utc_now()) - 2 * HOUR
    past(application, 20, quiet_since)
    [silent] = anomalies(application)
    assert (silent["kind"], silent["provider"]) == ("silent", "stripe")
    assert datetime.fromisoformat(silent["since"]) == quiet_since
    assert 40 <= silent["numbers"]["usual"] <= 60
    assert "has sent nothing since" in silent["message"]


def test_what_reconciliation_fetches_does_not_hide_the_silence(application: Application) -> None:
    quiet_since = hour_of(utc_now()) - 2 * HOUR
    for hour in (quiet_since, quiet_since + HOUR):
        keep(application, hour_of_events(hour, 20, source="backfill"))
    keep(application, [an_event(utc_now(), source="backfill")])
    past(application, 20, quiet_since)
    [silent] = anomalies(application)
    assert silent["kind"] == "silent"
    assert datetime.fromisoformat(silent["since"]) == quiet_since


def test_one_event_ends_the_silence(application: Application) -> None:
    past(application, 20, hour_of(utc_now()) - 2 * HOUR)
    application.deliver()
    assert anomalies(application) == []


def test_small_numbers_and_short_histories_do_not_cry_wolf(application: Application) -> None:
    until = hour_of(utc_now()) - 2 * HOUR
    past(application, 1, until)
    for back in range(1, 30):
        keep(application, hour_of_events(until - back * HOUR, 50, account="new"))
    assert anomalies(application) == []


def test_a_spike_is_told(application: Application) -> None:
    busy = hour_of(utc_now()) - HOUR
    keep(application, hour_of_events(busy, 100))
    keep(application, [an_event(utc_now())])
    past(application, 5, busy)
    [spike] = anomalies(application)
    assert (spike["kind"], spike["numbers"]) == ("spike", {"received": 100, "hours": 1})
    assert datetime.fromisoformat(spike["since"]) == busy


def test_an_id_that_is_used_twice_is_told(application: Application) -> None:
    event = stripe_event("charge.captured")
    application.deliver(event)
    application.deliver({**event, "type": "charge.refunded"})
    [conflict] = anomalies(application)
    assert (conflict["kind"], conflict["numbers"]) == ("conflicts", {"conflicts": 1})


def test_an_event_is_stuck_when_its_time_is_long_past_and_not_before(
    application: Application,
) -> None:
    now = utc_now()
    waiting = {"status": "retrying", "next_attempt_at": now + timedelta(minutes=30)}
    keep(application, [an_event(now - 20 * HOUR, **waiting)])
    just_due = {"status": "received", "next_attempt_at": now - timedelta(minutes=10)}
    keep(application, [an_event(now - 5 * HOUR, **just_due)])
    assert anomalies(application) == []
    overdue = {"status": "received", "next_attempt_at": now - timedelta(minutes=20)}
    keep(application, [an_event(now - 4 * HOUR, **overdue)])
    keep(application, [an_event(now - 3 * HOUR, **overdue)])
    [stuck] = anomalies(application)
    assert (stuck["kind"], stuck["numbers"]["events"]) == ("stuck_events", 2)
    assert stuck["numbers"]["oldest_seconds"] >= 4 * 3600


def test_a_rising_share_of_bad_signatures_is_told(application: Application) -> None:
    hour = hour_of(utc_now()) - 24 * HOUR
    for _ in range(12):
        application.client.post("/webhooks/stripe", data=b"{}", buffered=True)
    assert anomalies(application) == []
    application.sql(
        "INSERT INTO delivery_counts (provider, account, hour, accepted, refused) "
        "VALUES ('stripe', 'default', :hour, 1000, 3)",
        hour=hour.replace(tzinfo=None).isoformat(" "),
    )
    application.sql("UPDATE delivery_counts SET refused = refused + 11 WHERE accepted = 0")
    [bad] = anomalies(application)
    assert (bad["kind"], bad["provider"], bad["account"]) == ("bad_signatures", "stripe", "default")
    assert bad["numbers"]["share"] == 1.0
    assert bad["numbers"]["refused"] >= 12
    assert "Was a secret changed?" in bad["message"]


def test_gaps_are_told(application: Application) -> None:
    for back, missing in ((3, 4), (5, 2)):
        hour_with_gaps(application, hour_of(utc_now()) - back * HOUR, missing)
    [gap] = anomalies(application)
    assert (gap["kind"], gap["numbers"]) == ("gaps", {"missing": 6, "hours": 2})
    assert gap["message"] == "Missing here: 6 events of stripe (default)."
    assert anomalies(application, hours_back=1) == []


def hour_with_gaps(application: Application, hour: datetime, missing: int) -> None:
    application.sql(
        "INSERT INTO reconciliation_hours (provider, account, state, theirs, ours, processed, "
        "hour, missing, checked_at) "
        "VALUES ('stripe', 'default', 'gaps', 9, 9, 9, :hour, :missing, :hour)",
        hour=hour.replace(tzinfo=None).isoformat(" ") + ".000000",
        missing=missing,
    )
