"""A handler that a dry run must hold back: it ends the transaction, or does not end."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from payments.database import transaction
from payments.dry_run import FAILS
from payments.dry_run import postgresql as on_postgresql
from payments.dry_run import run as machinery
from payments.dry_run import sqlite as on_sqlite
from payments.extensions import db
from tests.integration.dry_run.shop import PAID, Handle, Order, changes, is_sqlite, write


def commit_below(session: Session) -> None:
    session.connection().commit()


def commit_in_sql(session: Session) -> None:
    session.connection().exec_driver_sql("COMMIT")


def commit_in_the_driver(session: Session) -> None:
    session.connection().connection.commit()


def roll_back_in_sql(session: Session) -> None:
    session.connection().exec_driver_sql("ROLLBACK")


def swallow(misbehave: Callable[[Session], None]) -> Callable[[Session], None]:
    def misbehave_and_go_on(session: Session) -> None:
        for _ in range(2):
            try:
                misbehave(session)
                write(session)
            except Exception:  # noqa: S110
                pass

    misbehave_and_go_on.__name__ = f"swallowed {misbehave.__name__}"
    return misbehave_and_go_on


ENDS = [
    Session.commit,
    Session.rollback,
    commit_below,
    commit_in_sql,
    commit_in_the_driver,
    roll_back_in_sql,
]


@pytest.mark.parametrize("misbehave", [*ENDS, *map(swallow, ENDS)], ids=lambda f: f.__name__)
def test_a_handler_that_ends_the_transaction_fails_and_leaves_nothing(
    rehearse: Handle, misbehave: Callable[[Session], None]
) -> None:
    def handler(event: Any, session: Session, effects: Any) -> None:
        write(session)
        misbehave(session)
        write(session)

    result = rehearse(handler)
    if misbehave.__name__ == "swallowed commit":  # refused, and then as if it had not been tried
        assert changes(result) == [PAID]
        return
    assert result.outcome == FAILS
    assert (result.error or "").startswith("HandlerMisuse: A handler must not "), result.error


def test_a_handler_that_lets_sqlite_roll_back_leaves_nothing(rehearse: Handle) -> None:
    if not is_sqlite():
        pytest.skip("PostgreSQL refuses what comes after an error")

    def handler(event: Any, session: Session, effects: Any) -> None:
        connection = session.connection().connection.driver_connection
        assert connection is not None
        statement = "INSERT OR ROLLBACK INTO shop_orders VALUES (?, 'x', NULL)"
        connection.execute(statement, (70,))
        with pytest.raises(Exception, match="UNIQUE"):
            connection.execute(statement, (1,))
        connection.execute(statement, (71,))  # would be kept, since nothing has begun

    result = rehearse(handler)
    assert result.error == f"HandlerMisuse: {machinery.NOT_THEIRS_TO_END}"


def test_a_handler_that_writes_beside_its_session_fails_and_leaves_nothing(
    rehearse: Handle, monkeypatch: pytest.MonkeyPatch
) -> None:
    def handler(event: Any, session: Session, effects: Any) -> None:
        if is_sqlite():
            with db.engine.connect() as connection:
                connection.exec_driver_sql("PRAGMA busy_timeout = 10")
        with transaction() as another:
            write(another)

    result = rehearse(handler)
    assert result.outcome == FAILS
    if not is_sqlite():
        assert "read-only transaction" in (result.error or "")
        assert len(result.warnings) == 1


def test_a_handler_that_reads_beside_its_session_may(rehearse: Handle) -> None:
    def handler(event: Any, session: Session, effects: Any) -> None:
        engine = db.engine.execution_options(payments_read_only=True)
        with Session(engine) as another:
            assert another.get_one(Order, 2).status == "open"
        write(session)

    assert changes(rehearse(handler)) == [PAID]
    with transaction() as session:  # in this thread one may write again
        session.execute(text("UPDATE shop_orders SET note = 'after'"))


@pytest.mark.parametrize("swallowing", [False, True])
def test_a_handler_that_takes_too_long_is_ended(
    rehearse: Handle, monkeypatch: pytest.MonkeyPatch, swallowing: bool
) -> None:
    for database in (on_postgresql.PostgreSQL, on_sqlite.SQLite):
        monkeypatch.setattr(database, "handler_seconds", 0.3)

    def handler(event: Any, session: Session, effects: Any) -> None:
        write(session)
        try:
            while True:
                time.sleep(0.01)
        except BaseException:
            if not swallowing:
                raise

    started = time.monotonic()
    result = rehearse(handler)
    assert time.monotonic() - started < 3
    assert result.outcome == FAILS
    assert result.error == "TookTooLong: The handlers took longer than 0.3 s."
    assert result.warnings == (machinery.NO_TIME,)


def test_a_statement_that_takes_too_long_is_ended(
    rehearse: Handle, monkeypatch: pytest.MonkeyPatch
) -> None:
    for database in (on_postgresql.PostgreSQL, on_sqlite.SQLite):
        monkeypatch.setattr(database, "handler_seconds", 0.3)

    def handler(event: Any, session: Session, effects: Any) -> None:
        write(session)
        session.execute(
            text(
                "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 10000000)"
                " SELECT count(*) FROM n"
                if is_sqlite()
                else "SELECT pg_sleep(20)"
            )
        )

    started = time.monotonic()
    result = rehearse(handler)
    assert time.monotonic() - started < 3
    assert result.error == "TookTooLong: The handlers took longer than 0.3 s."
