"""Events that are processed again, and rehearsals of that."""

from __future__ import annotations

from typing import Any

from sqlalchemy import text

from payments.handlers import handles
from tests.integration.operations.dead_letters import Warehouse, post, status_of
from tests.support.application import Application


def test_a_processed_event_can_be_replayed_with_the_handlers_of_today(
    application: Application, warehouse: Warehouse
) -> None:
    warehouse.broken = False
    application.deliver()
    application.work()
    [event] = application.events()
    result = application.cli("events", "replay", str(event["id"]), "--reason", "new handler")
    assert result.exit_code == 0, result.output
    application.work()
    shown = application.event(event["id"])
    assert (shown["status"], warehouse.calls) == ("processed", 2)
    assert [attempt["outcome"] for attempt in shown["history"]] == ["processed", "processed"]


def test_an_event_whose_payload_has_expired_is_not_replayed(
    application: Application, warehouse: Warehouse
) -> None:
    warehouse.broken = False
    application.deliver()
    application.work()
    application.sql("DELETE FROM event_payloads")
    [event] = application.events()
    result = application.cli("events", "replay", str(event["id"]))
    assert result.exit_code == 1
    assert "its payload has expired" in result.stdout
    assert status_of(application, event["id"]) == "processed"


def test_the_api_replays_an_event(application: Application, warehouse: Warehouse) -> None:
    warehouse.broken = False
    application.deliver()
    application.work()
    [event] = application.events()
    answer = post(application, f"/events/{event['id']}/replay", {"reason": "again"})
    assert (answer.status_code, answer.get_json()["done"]) == (200, 1)
    application.work()
    assert warehouse.calls == 2
    assert post(application, "/events/999999/replay").status_code == 404


def test_a_dry_run_of_a_replay_shows_the_difference_and_touches_nothing(
    application: Application,
) -> None:
    application.sql("CREATE TABLE orders (id INTEGER PRIMARY KEY, state VARCHAR(20))")
    application.sql("INSERT INTO orders VALUES (7, 'open')")
    try:

        @handles("stripe", "*")
        def pay(event: Any, session: Any, effects: Any) -> None:
            session.execute(text("UPDATE orders SET state = 'paid' WHERE id = 7"))

        application.deliver()
        [event] = application.events()
        before = application.event(event["id"])
        shown = application.cli("events", "replay", str(event["id"]), "--dry-run")
        assert shown.exit_code == 0, shown.output
        assert "open" in shown.stdout
        assert "paid" in shown.stdout
        assert "1 event: 1 × changes." in shown.stdout
        answer = post(application, f"/events/{event['id']}/replay", {"dry_run": True}).get_json()
        assert answer["outcome"] == "changes"
        assert application.sql("SELECT state FROM orders") == [("open",)]
        assert application.event(event["id"]) == before
        missing = application.cli("events", "replay", "999999", "--dry-run")
        assert (missing.exit_code, "999999: there is no such event" in missing.stdout) == (1, True)
    finally:
        application.sql("DROP TABLE orders")
