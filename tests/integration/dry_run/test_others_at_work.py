"""What others do to the database meanwhile neither shows nor holds a dry run up."""

from __future__ import annotations

import contextlib
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from payments.dry_run import FAILS, dry_run
from payments.dry_run import postgresql as on_postgresql
from payments.dry_run import run as machinery
from payments.dry_run import sqlite as on_sqlite
from payments.extensions import db
from payments.handlers import handles
from tests.integration.dry_run.shop import (
    PAID,
    Handle,
    changes,
    in_another_thread,
    is_sqlite,
    only_id,
    write,
)
from tests.support.application import Application


def test_what_others_commit_meanwhile_does_not_show(shop: Application, rehearse: Handle) -> None:
    """On SQLite nobody else can: the dry run holds the write lock."""

    def others() -> None:
        with db.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            for statement in (
                "INSERT INTO shop_orders VALUES (50, 'of others', NULL)",
                "UPDATE shop_orders SET note = 'of others' WHERE id = 2",
                "DELETE FROM shop_orders WHERE id = 3",
                "INSERT INTO shop_lines VALUES (50, 'of others', 1)",
            ):
                connection.execute(text(statement))

    def handler(event: Any, session: Session, effects: Any) -> None:
        session.execute(text("UPDATE shop_orders SET status = 'paid' WHERE id = 1"))
        session.execute(text("DELETE FROM shop_lines WHERE sku = 'b'"))
        if not is_sqlite():
            in_another_thread(others)

    shop.deliver()
    handles("stripe", "*")(handler)
    result = dry_run(only_id(shop))
    assert [(kind, key) for _, kind, key, _ in changes(result)] == [
        ("delete", {"order_id": 1, "sku": "b"}),
        ("update", {"id": 1}),
    ]
    assert changes(result)[1] == PAID


def test_what_others_lock_and_change_while_the_rows_are_read(
    shop: Application, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On PostgreSQL their transaction id lies between ours and that of the reading connection."""
    if is_sqlite():
        pytest.skip("nobody else can write meanwhile")

    def others() -> None:
        with db.engine.begin() as connection:
            connection.execute(text("INSERT INTO shop_orders VALUES (60, 'of others', NULL)"))

    def handler(event: Any, session: Session, effects: Any) -> None:
        in_another_thread(others)
        session.execute(text("UPDATE shop_orders SET status = 'paid' WHERE id = 1"))
        session.execute(text("DELETE FROM shop_lines WHERE sku = 'b'"))

    original = on_postgresql.PostgreSQL.observe

    def observe(self: Any) -> Any:
        with db.engine.begin() as others:
            others.execute(text("UPDATE shop_orders SET note = 'of others' WHERE id = 2"))
            others.execute(text("SELECT * FROM shop_orders WHERE id IN (3, 60) FOR UPDATE"))
            others.execute(text("UPDATE shop_lines SET count = 7 WHERE sku = 'a'"))
            return original(self)

    monkeypatch.setattr(on_postgresql.PostgreSQL, "observe", observe)
    shop.deliver()
    handles("stripe", "*")(handler)
    found = changes(dry_run(only_id(shop)))
    assert [(kind, key) for _, kind, key, _ in found] == [
        ("delete", {"order_id": 1, "sku": "b"}),
        ("update", {"id": 1}),
    ]


def test_a_row_that_others_hold_a_shared_lock_on(shop: Application, rehearse: Handle) -> None:
    """On PostgreSQL our update then puts a multixact into its xmax."""
    if is_sqlite():
        pytest.skip("there are no row locks")

    def handler(event: Any, session: Session, effects: Any) -> None:
        session.execute(text("UPDATE shop_orders SET status = 'paid' WHERE id = 1"))

    shop.deliver()
    handles("stripe", "*")(handler)
    with db.engine.begin() as others:
        others.execute(text("SELECT * FROM shop_orders FOR KEY SHARE"))
        found = changes(dry_run(only_id(shop)))
    assert found == [PAID]


def test_what_the_same_connection_committed_before_does_not_count(
    shop: Application, rehearse: Handle, monkeypatch: pytest.MonkeyPatch
) -> None:
    """PostgreSQL's counts of a transaction hold what earlier ones have not reported yet."""
    for database in (on_postgresql, on_sqlite):
        monkeypatch.setattr(database, "MOST_ROWS", 0)
    shop.deliver()

    def handler(event: Any, session: Session, effects: Any) -> None:
        session.execute(text("UPDATE shop_orders SET status = 'paid' WHERE id = 1"))

    handles("stripe", "*")(handler)
    id = only_id(shop)
    with contextlib.ExitStack() as stack:
        pooled = range(db.engine.pool.checkedin())  # type: ignore[attr-defined]
        connections = [stack.enter_context(db.engine.connect()) for _ in pooled]
        for connection in connections:
            for _ in range(2):  # the first may be reported at once, the second waits a second
                connection.execute(text("UPDATE shop_orders SET note = 'before'"))
                connection.commit()
    [count] = dry_run(id).counts
    assert (count.table, count.total) == ("shop_orders", 1)


def test_a_locked_row_is_not_waited_for_long(
    shop: Application, monkeypatch: pytest.MonkeyPatch
) -> None:
    if is_sqlite():
        pytest.skip("there are no row locks")
    monkeypatch.setattr(on_postgresql, "LOCK_SECONDS", 0.2)
    handles("stripe", "*")(lambda event, session, effects: write(session))
    shop.deliver()
    with db.engine.begin() as worker:
        worker.execute(text("SELECT * FROM shop_orders FOR UPDATE"))
        result = dry_run(only_id(shop))
    assert result.outcome == FAILS
    assert "lock timeout" in (result.error or "")
    assert len(result.warnings) == 1


@pytest.mark.parametrize("times", [1, 9])
def test_a_race_that_was_lost_is_run_again_and_at_last_told(shop: Application, times: int) -> None:
    if is_sqlite():
        pytest.skip("nobody else can write meanwhile")
    calls: list[int] = []

    def others() -> None:
        with db.engine.begin() as connection:
            connection.execute(text("UPDATE shop_orders SET note = note || 'x'"))

    def handler(event: Any, session: Session, effects: Any) -> None:
        calls.append(1)
        if len(calls) <= times:
            in_another_thread(others)
        write(session)

    handles("stripe", "*")(handler)
    shop.deliver()
    result = dry_run(only_id(shop))
    if times == 1:
        assert changes(result) == [PAID]
        return
    assert (result.outcome, result.warnings) == (FAILS, (machinery.LOST_RACE,))
    assert len(calls) == machinery.TRIES
