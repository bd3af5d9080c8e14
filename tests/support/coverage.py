"""What the tests of reconciliation share: events of a past hour, a run, and what it said."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from typing import Any

from payments.models import utc_now
from payments.reconciliation.hours import hour_of
from tests.support.application import Application
from tests.support.deliveries import paypal_event, stripe_event, unique

HOUR = timedelta(hours=1)


def past_hour(back: int = 2) -> datetime:
    """The beginning of an hour that is surely over."""
    return hour_of(utc_now()) - back * HOUR


def made(number: int, hour: datetime | None = None, **changes: Any) -> list[dict[str, Any]]:
    """So many of Stripe's events, a second after the other."""
    start = int((hour or past_hour()).timestamp())
    return [stripe_event(**{"created": start + n, **changes}) for n in range(number)]


def made_by_paypal(number: int, hour: datetime | None = None) -> list[dict[str, Any]]:
    start = hour or past_hour()
    times = [
        (start + timedelta(seconds=n)).strftime("%Y-%m-%dT%H:%M:%S.000Z") for n in range(number)
    ]
    return [paypal_event(create_time=it, id=unique("WH")) for it in times]


def reconcile(service: Application, *options: str, code: int = 0) -> dict[str, Any]:
    """`flask reconcile run` of one account: its answer."""
    done = service.cli("reconcile", "run", "--json", *options)
    assert done.exit_code == code, (done.exit_code, done.output, done.exception)
    [run] = json.loads(done.stdout)
    described: dict[str, Any] = run
    return described


def ids(events: list[dict[str, Any]]) -> set[str]:
    return {event["id"] for event in events}


def kept(service: Application, **query: Any) -> set[str]:
    return {event["event_id"] for event in service.events(limit=500, **query)}


def findings(service: Application, **query: Any) -> list[dict[str, Any]]:
    listed: list[dict[str, Any]] = service.admin(
        "/reconciliation/findings", source="events", limit=500, **query
    ).get_json()
    return listed


def hours(service: Application, account: str = "default") -> dict[str, tuple[Any, ...]]:
    """Of each hour that is known: state, theirs, ours, missing."""
    rows = service.sql(
        "SELECT hour, state, theirs, ours, missing FROM reconciliation_hours "
        "WHERE account = :account",
        account=account,
    )
    return {str(row.hour)[:13]: tuple(row[1:]) for row in rows}


def hour_name(hour: datetime) -> str:
    return hour.strftime("%Y-%m-%d %H")
