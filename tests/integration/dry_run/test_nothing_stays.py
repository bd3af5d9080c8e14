"""A dry run leaves the event and its connections as they were."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import event
from sqlalchemy.orm import Session

from payments.dry_run import IGNORED, PAYLOAD_EXPIRED, dry_run
from payments.errors import NotFound
from payments.extensions import db
from payments.handlers import handles
from payments.models import Attempt, Effect, Event, utc_now
from tests.integration.dry_run.shop import Handle, changes, is_sqlite, only_id, write
from tests.support.application import Application
from tests.support.deliveries import customer_event


def test_an_event_that_nobody_handles_is_ignored(shop: Application) -> None:
    handles("stripe", "charge.*")(lambda *_: pytest.fail("not for this type"))
    shop.deliver()
    assert dry_run(only_id(shop)).outcome == IGNORED


def test_an_event_whose_payload_has_expired(shop: Application) -> None:
    handles("stripe", "*")(lambda *_: pytest.fail("there is nothing to hand over"))
    shop.deliver()
    shop.sql("DELETE FROM event_payloads")
    assert dry_run(only_id(shop)).outcome == PAYLOAD_EXPIRED


def test_an_event_that_nobody_wants_is_ignored_also_when_its_payload_has_expired(
    shop: Application,
) -> None:
    shop.deliver(customer_event())
    shop.sql("DELETE FROM event_payloads")
    assert dry_run(only_id(shop)).outcome == IGNORED


@pytest.mark.parametrize("id", [0, -1, 999_999, 2**63])
def test_an_unknown_event_is_not_found(shop: Application, id: int) -> None:
    with pytest.raises(NotFound):
        dry_run(id)


def test_the_services_own_bookkeeping_does_not_show_but_other_events_do(
    shop: Application,
) -> None:
    shop.deliver()
    shop.deliver()
    other, own = (event["id"] for event in shop.events())

    def handler(event: Any, session: Session, effects: Any) -> None:
        assert event.id == own
        for id in (own, other):
            session.get_one(Event, id).object_id = "changed"
        session.add(Attempt(event_id=own, number=1, started_at=utc_now()))
        session.add(Effect(key="key", event_id=own, done_at=utc_now()))

    handles("stripe", "*")(handler)
    [(table, kind, key, columns)] = changes(dry_run(own))
    assert (table, kind, key, list(columns)) == ("events", "update", {"id": other}, ["object_id"])


def test_a_dry_run_neither_finishes_nor_attempts_the_event(
    shop: Application, rehearse: Handle
) -> None:
    rehearse(lambda event, session, effects: write(session))
    shown = shop.event(only_id(shop))
    assert (shown["status"], shown["attempts"], shown["history"]) == ("received", 0, [])
    shop.work()
    assert shop.event(only_id(shop))["status"] == "processed"


def test_no_trigger_table_or_setting_stays_in_any_connection(
    shop: Application, rehearse: Handle
) -> None:
    left: list[Any] = []
    closed: list[int] = []

    @event.listens_for(db.engine.pool, "invalidate")
    def look(driver: Any, *_: Any) -> None:
        closed.append(1)
        if is_sqlite():
            driver.set_authorizer(None)
            left.extend(driver.execute("SELECT name FROM sqlite_temp_master").fetchall())

    rehearse(lambda event, session, effects: write(session))
    assert closed == [1]
    assert left == []
    with db.engine.connect() as connection:
        if is_sqlite():
            query = "SELECT name FROM sqlite_temp_master UNION ALL SELECT name FROM sqlite_master"
        else:
            query = "SELECT relname FROM pg_class"
        names = connection.exec_driver_sql(f"{query}").scalars().all()
        assert [name for name in names if "dry_run" in name] == []
        if is_sqlite():
            assert connection.exec_driver_sql("PRAGMA recursive_triggers").scalar_one() == 0
