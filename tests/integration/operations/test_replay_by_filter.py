"""`POST /admin/events/replay`: by ids, by filters, all of them, for real or as a rehearsal."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import text

from payments.handlers import handles
from payments.web.api import operations
from tests.integration.operations.dead_letters import Warehouse, kill, post
from tests.support.application import Application
from tests.support.deliveries import stripe_event

REPLAY = "/events/replay"


def played(application: Application, warehouse: Warehouse) -> dict[str, list[int]]:
    """Two events that are dead, two that are processed, and one that waits; ids by status."""
    dead = kill(application, 2, "charge.refunded")
    warehouse.broken = False
    for event_type in ("charge.refunded", "payout.paid"):
        application.deliver(stripe_event(event_type))
    application.work()
    processed = sorted(event["id"] for event in application.events(status="processed"))
    application.deliver(stripe_event("payout.paid"))
    [waiting] = [event["id"] for event in application.events(status="received")]
    return {"dead": dead, "processed": processed, "received": [waiting]}


def replayed(application: Application) -> list[int]:
    rows = application.sql(
        "SELECT event_id FROM audit_log WHERE action = 'events.replay' AND outcome = 'done'"
    )
    return sorted(id for (id,) in rows)


@pytest.mark.parametrize(
    ("body", "wanted"),
    [
        ({"status": "dead"}, ("dead",)),
        ({"status": "processed"}, ("processed",)),
        ({"provider": "stripe"}, ("dead", "processed", "received")),
        ({"all": True}, ("dead", "processed", "received")),
        ({"conflicts": False}, ("dead", "processed", "received")),
        ({"conflicts": True}, ()),
        ({"until": "2020-01-01T00:00:00Z"}, ()),
        ({"provider": "paypal", "status": "dead"}, ()),
    ],
)
def test_a_filter_replays_what_it_matches_with_its_reason(
    application: Application, warehouse: Warehouse, body: dict[str, Any], wanted: tuple[str, ...]
) -> None:
    ids = played(application, warehouse)
    chosen = sorted(id for status in wanted for id in ids[status])
    answer = post(application, REPLAY, {**body, "reason": "a new handler"})
    assert answer.get_json() == {"matched": len(chosen), "done": len(chosen), "skipped": []}
    assert replayed(application) == chosen
    for id in chosen:
        assert application.event(id)["audit"][-1]["reason"] == "a new handler"
    application.work()
    for id in chosen:
        assert application.event(id)["status"] == "processed"


def test_the_command_line_replays_by_the_same_filters(
    application: Application, warehouse: Warehouse
) -> None:
    ids = played(application, warehouse)
    rest = ("--yes", "--rate", "1000")
    assert application.cli("events", "replay", "--status", "dead", *rest).exit_code == 0
    assert replayed(application) == ids["dead"]
    one = application.event(ids["processed"][0])
    application.cli("events", "replay", "--event-id", one["event_id"], *rest)
    assert replayed(application) == sorted([*ids["dead"], one["id"]])


def test_each_id_that_is_not_replayed_is_named_with_why(
    application: Application, warehouse: Warehouse
) -> None:
    [first, second] = played(application, warehouse)["processed"]
    application.sql("DELETE FROM event_payloads WHERE event_id = :id", id=second)
    answer = post(application, REPLAY, {"ids": [first, second, 999999, first]})
    assert answer.get_json() == {
        "matched": 3,
        "done": 1,
        "skipped": [
            {"event_id": second, "done": False, "outcome": "skipped: its payload has expired"},
            {"event_id": 999999, "done": False, "outcome": "there is no such event"},
        ],
    }


def test_a_rehearsal_counts_by_outcome_and_shows_the_first_few_whole(
    application: Application,
) -> None:
    @handles("stripe", "charge.*")
    def pay(event: Any, session: Any, effects: Any) -> None:
        session.execute(text("UPDATE events SET object_id = 'seen' WHERE id <> :id"), {"id": 0})

    @handles("stripe", "payout.*")
    def refuse(*_: Any) -> None:
        raise ValueError("no such payout")

    for event_type, count in (("charge.refunded", 4), ("payout.paid", 3), ("plan.created", 1)):
        for _ in range(count):
            application.deliver(stripe_event(event_type))
    before = application.events()
    said = post(application, REPLAY, {"all": True, "dry_run": True}).get_json()
    outcomes = {"changes": 4, "fails": 3, "ignored": 1}
    assert (said["matched"], said["outcomes"], said["left"]) == (8, outcomes, 0)
    assert [it["outcome"] for it in said["shown"]] == ["changes"] * 4 + ["fails"]
    assert said["shown"][4]["error"] == "ValueError: no such payout"
    first = said["shown"][0]
    alone = post(application, f"/events/{first['event_id']}/replay", {"dry_run": True}).get_json()
    assert alone.keys() == first.keys()
    # Times that the projection writes differ from run to run.
    for name in ("event_id", "outcome", "changed_rows", "counts", "effects", "warnings"):
        assert alone[name] == first[name], name
    assert application.events() == before
    assert replayed(application) == []
    result = application.cli("events", "replay", "--all", "--dry-run", "--rate", "1000")
    assert "8 events: 4 × changes, 3 × fails, 1 × ignored." in result.stdout


def test_a_rehearsal_that_takes_too_long_says_what_is_left(
    application: Application, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(operations, "REHEARSAL_SECONDS", 0.0)
    for _ in range(3):
        application.deliver()
    said = post(application, REPLAY, {"all": True, "dry_run": True}).get_json()
    assert (said["matched"], said["outcomes"], said["left"]) == (3, {}, 3)
