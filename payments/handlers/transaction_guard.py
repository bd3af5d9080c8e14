"""Keeps a handler from ending the transaction that it runs in.

Its writes and the event's mark are one transaction; a commit in between would keep the writes of an
attempt that fails later, and a retry would do them twice. What SQLAlchemy sees is refused before it
reaches the database: a commit of the session or of its connection, and statements that end a
transaction. What goes past it, a commit on the driver's own connection, is noticed afterwards.
"""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NoReturn

from psycopg.pq import TransactionStatus
from sqlalchemy import Connection, event
from sqlalchemy.orm import Session, SessionTransaction

from payments.errors import HandlerMisuse

MUST_NOT_COMMIT = (
    "A handler must not commit: its writes are committed together with the event's mark."
)
MUST_NOT_ROLL_BACK = "A handler must not roll back: raise an exception instead."
MUST_NOT_END = "A handler must not end the transaction that it runs in."
COMMENTS = r"\s*(?:(?:--[^\n]*\n|/\*.*?\*/)\s*)*"
TO_SAVEPOINT = r"\s+(?:(?:WORK|TRANSACTION)\s+)?TO\b"
FIRST = re.compile(
    rf"{COMMENTS}(?:COMMIT|END|ABORT|BEGIN|START\s+TRANSACTION|PREPARE\s+TRANSACTION"
    rf"|ROLLBACK(?!{TO_SAVEPOINT}))\b",
    re.IGNORECASE | re.DOTALL,
)
# After another statement in the same text. BEGIN and END are left out: they stand in the bodies of
# functions and triggers, too.
LATER = re.compile(
    rf";{COMMENTS}(?:COMMIT|ABORT|ROLLBACK(?!{TO_SAVEPOINT}))\b", re.IGNORECASE | re.DOTALL
)
QUOTED = re.compile(r"'(?:[^']|'')*'|\$(\w*)\$.*?\$\1\$", re.DOTALL)


@contextmanager
def transaction_guard(session: Session) -> Iterator[None]:
    """While the block runs, the session's transaction cannot be ended; savepoints are fine.

    Raises:
        HandlerMisuse: it was tried, or done.
    """
    connection = session.connection()
    watch = _Watch(session)
    event.listen(session, "before_commit", watch.session_commits)
    event.listen(connection, "commit", watch.connection_commits)
    event.listen(connection, "before_cursor_execute", watch.executes)
    try:
        yield
    finally:
        event.remove(session, "before_commit", watch.session_commits)
        event.remove(connection, "commit", watch.connection_commits)
        event.remove(connection, "before_cursor_execute", watch.executes)
    watch.check(connection)


class _Watch:
    """Refuses what ends the transaction, and sees whether it was ended all the same."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._ours: SessionTransaction | None = session.get_transaction()
        self._nested = session.get_nested_transaction()
        self._refused_a_statement = False

    def session_commits(self, session: Session) -> None:
        if session.get_nested_transaction() is self._nested:
            raise HandlerMisuse(MUST_NOT_COMMIT)

    def connection_commits(self, _connection: Connection) -> NoReturn:
        raise HandlerMisuse(MUST_NOT_COMMIT)

    def executes(
        self,
        _connection: Connection,
        _cursor: Any,
        statement: str,
        _parameters: Any,
        _context: Any,
        _executemany: bool,
    ) -> None:
        if ends_transaction(statement):
            self._refused_a_statement = True
            raise HandlerMisuse(MUST_NOT_END)

    def check(self, connection: Connection) -> None:
        if self._session.get_transaction() is not self._ours:
            raise HandlerMisuse(MUST_NOT_ROLL_BACK)
        if not _is_open(connection):
            # The session believes in a transaction, and savepoints, that are gone.
            connection.invalidate()
            raise HandlerMisuse(MUST_NOT_END)
        if self._refused_a_statement:  # and the handler has caught the exception
            raise HandlerMisuse(MUST_NOT_END)


def ends_transaction(statement: str) -> bool:
    """Whether this SQL text ends the transaction in which it is executed."""
    if FIRST.match(statement):
        return True
    return ";" in statement and LATER.search(QUOTED.sub("''", statement)) is not None


def _is_open(connection: Connection) -> bool:
    """Whether the driver's own connection is still in a transaction."""
    driver = connection.connection.driver_connection
    if isinstance(driver, sqlite3.Connection):
        return driver.in_transaction
    status = getattr(getattr(driver, "info", None), "transaction_status", None)
    return status is None or status != TransactionStatus.IDLE
