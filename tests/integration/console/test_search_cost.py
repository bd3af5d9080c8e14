"""Searching events reads what it shows, however many events there are; and never for long."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from payments.database import snapshot
from payments.event_filter import EventFilter
from payments.events import count_events, list_events
from payments.models import utc_now
from tests.support.application import Application, MakeApplication
from tests.support.console import Person
from tests.support.plans import scanned, statements, tidy
from tests.support.traffic import an_event, keep

MANY = 20_000
# Indexes that have only the few events with an error, or with a conflict.
SMALL = ("ix_events_with_error", "ix_events_with_conflict")
SLOW = "/console/events?error=never+said"
STATUSES = {0: "dead", 1: "retrying", 2: "ignored"}


@pytest.fixture
def full(make_application: MakeApplication) -> Application:
    application = make_application()
    now = utc_now()
    keep(application, (_event(number, now) for number in range(MANY)))
    return application


def _event(number: int, now: Any) -> dict[str, Any]:
    return an_event(
        now - timedelta(seconds=MANY - number),
        status=STATUSES.get(number % 1000, "processed"),
        event_type=f"kind.{number % 20}" if number % 500 else "rare.kind",
        object_id=f"pi_{number // 4}",
        provider="stripe" if number % 3 else "paypal",
        last_error="refused by the shop" if number % 1000 < 2 else None,
        conflicts=1 if number % 3000 == 7 else 0,
    )


FILTERS: tuple[dict[str, Any], ...] = (
    {"status": "dead"},
    {"status": "dead", "provider": "stripe"},
    {"status": "dead", "provider": "stripe", "type": "kind.*", "account": "default"},
    {"type": "rare.kind"},
    {"type": "rare.*"},
    {"type": "*are.*", "provider": "paypal"},
    {"type": "nothing.*"},
    {"event_id": "evt_unknown"},
    {"event_id": "evt_unknown", "provider": "stripe", "account": "default"},
    {"object_id": "pi_17"},
    {"object_id": "pi_17", "status": "processed", "type": "kind.1"},
    {"error": "refused"},
    {"error": "never said", "provider": "stripe"},
    {"conflicts": True},
    {"conflicts": True, "provider": "paypal", "status": "processed"},
    {"since": timedelta(minutes=5)},
    {"since": timedelta(minutes=5), "provider": "paypal", "status": "processed"},
)


def test_no_search_that_an_index_helps_reads_all_events(full: Application) -> None:
    tidy(full)
    now = utc_now()
    for given in FILTERS:
        times = {name: now - ago for name, ago in given.items() if isinstance(ago, timedelta)}
        which = EventFilter(**{**given, **times})
        with full.app.app_context(), statements(full) as sent, snapshot() as session:
            list_events(session, which, before=MANY // 2)
            count_events(session, which, most=10_001)
        assert len(sent) >= 2
        for one in sent:
            assert "events" not in scanned(full, [one], SMALL), given


def test_a_search_that_no_index_helps_ends_early_and_says_how_to_narrow_it(
    full: Application, monkeypatch: pytest.MonkeyPatch
) -> None:
    full.sql("UPDATE events SET last_error = 'refused by the shop'")
    monkeypatch.setattr("payments.events.SEARCH_SECONDS", 0.001)
    person = Person(full.app)
    person.log_in()
    page = person.get(SLOW)
    assert page.status_code == 422
    assert "narrow it" in page.text
    assert "No events match" not in page.text
    assert "narrow it" in full.admin("/events", error="never said").get_json()["detail"]
    monkeypatch.undo()
    # The connection is as it was before: the limit is not the next one's.
    assert person.get(SLOW).status_code == 200
