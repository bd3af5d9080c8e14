"""How connections are set up, and the two kinds of transaction: one that writes, one that reads.

SQLite is set up so that it keeps the promises that PostgreSQL keeps by default: WAL with
`synchronous=FULL` (NORMAL may lose acknowledged commits in a power cut), foreign keys checked,
and writers that take the write lock at BEGIN (a read transaction that turns into a writing one
fails at once when somebody else wrote in between, and `busy_timeout` does not help).
"""

from __future__ import annotations

import os
import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Engine,
    SQLColumnExpression,
    cast,
    event,
    func,
    literal,
    select,
    type_coerce,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import Connection, make_url
from sqlalchemy.exc import DBAPIError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.orm import Session

from payments.config import Settings
from payments.extensions import Base, db
from payments.models.columns import UTCDateTime, utc_now
from payments.sqlite_connection import ClosingConnection, close_cursors

READ_ONLY = "payments_read_only"
_open_connections: weakref.WeakSet[Any] = weakref.WeakSet()
SQLITE_BUSY_SECONDS = 5
SECONDS_OF_AN_HOUR = 3600
POOL_SIZE = 20
POOL_OVERFLOW = 20
CONNECT_SECONDS = 3
POOL_WAIT_SECONDS = 3
# A lock that somebody holds for longer is answered with 503, or with another attempt later.
LOCK_WAIT_SECONDS = 10
# Beyond the longest job and its watchdog: a process that stands still for ever loses its session,
# and with it the lock on its event.
FROZEN_MARGIN_SECONDS = 20
# What a client of ours may be told to try again after: the database was away, locked or full.
DATABASE_AWAY = (OperationalError, PoolTimeout)


def engine_options(settings: Settings) -> dict[str, Any]:
    """`SQLALCHEMY_ENGINE_OPTIONS` for these settings; a process's threads share one small pool."""
    options: dict[str, Any] = {
        # An error's text is logged and kept, and parameters are payloads and people.
        "hide_parameters": True,
        # More than a process has threads: a connection beyond the pool's size would be closed
        # after each use, and opening one costs ten times what a request does.
        "pool_size": POOL_SIZE,
        "max_overflow": POOL_OVERFLOW,
        "pool_timeout": POOL_WAIT_SECONDS,
    }
    if settings.is_sqlite:
        # isolation_level=None: the driver begins nothing by itself, `_begin` does.
        options["connect_args"] = {
            "timeout": SQLITE_BUSY_SECONDS,
            "isolation_level": None,
            "factory": ClosingConnection,
        }
    else:
        options["connect_args"] = {
            "connect_timeout": CONNECT_SECONDS,
            "application_name": "payments-api",
            # A peer that vanished without a word is noticed after about half a minute.
            "keepalives_idle": 10,
            "keepalives_interval": 5,
            "keepalives_count": 4,
            "options": _with_time_limits(settings),
        }
    return options


def prepare(engine: Engine) -> None:
    """Set up every connection of `engine`."""
    if engine.dialect.name == "sqlite":
        event.listen(engine, "connect", _set_pragmas)
        event.listen(engine, "checkin", close_cursors)
        event.listen(engine, "begin", _begin)
    else:
        event.listen(engine, "connect", _remember)


def let_go_after_fork() -> None:
    """From now on, a forked child lets go of the connections to PostgreSQL that it inherits.

    Otherwise the server would take a killed parent's session, and its row locks, for alive as long
    as the child holds the socket. It is replaced, not closed: a farewell on it would end the
    parent's session, and its number must not be given to another file.
    """
    os.register_at_fork(after_in_child=_replace_sockets)


@contextmanager
def transaction() -> Iterator[Session]:
    """A session in one transaction that writes: committed at the end, rolled back on an error."""
    with Session(db.engine, expire_on_commit=False) as session, session.begin():
        yield session


@contextmanager
def snapshot(*, of_one_moment: bool = False) -> Iterator[Session]:
    """A session that only reads, and on SQLite does not wait for a writer.

    On PostgreSQL each of its queries sees what is committed by then; those `of_one_moment` all see
    the same. On SQLite they always do.
    """
    options: dict[str, Any] = {READ_ONLY: True}
    if of_one_moment and db.engine.dialect.name == "postgresql":
        options["isolation_level"] = "REPEATABLE READ"
    engine = db.engine.execution_options(**options)
    with Session(engine, expire_on_commit=False) as session:
        yield session


def insert_into(bind: Session | Connection, model: type[Base]) -> sqlite.Insert | postgresql.Insert:
    """Both databases spell INSERT … ON CONFLICT the same; SQLAlchemy has a class for each."""
    return sqlite.insert(model) if _is_sqlite(bind) else postgresql.insert(model)


def server_now(bind: Session | Connection) -> ColumnElement[datetime]:
    """The time by the database's clock, as a column of a query that is made anyway.

    Hosts' clocks differ; what several of them compare is measured by this one. SQLite is on one
    host, whose clock is as good.
    """
    if _is_sqlite(bind):
        return literal(utc_now(), UTCDateTime())
    return type_coerce(func.clock_timestamp(), UTCDateTime())


def time_of_server(session: Session) -> datetime:
    """The same where no query is made anyway."""
    return session.scalars(select(server_now(session))).one()


def is_disconnect(error: BaseException) -> bool:
    """Whether the database connection broke, so that the same work may be tried on a new one."""
    return isinstance(error, DBAPIError) and error.connection_invalidated


def hours_since_epoch(
    bind: Session | Connection, time: SQLColumnExpression[Any]
) -> ColumnElement[int]:
    """The number of the hour of UTC that a column's `time` lies in."""
    seconds: ColumnElement[Any]
    if _is_sqlite(bind):
        seconds = func.strftime("%s", time)
    else:
        seconds = func.floor(func.extract("epoch", time))
    return cast(seconds, BigInteger) // SECONDS_OF_AN_HOUR


def _is_sqlite(bind: Session | Connection) -> bool:
    connectable = bind.get_bind() if isinstance(bind, Session) else bind
    return connectable.dialect.name == "sqlite"


def _set_pragmas(dbapi_connection: Any, _record: Any) -> None:
    cursor = dbapi_connection.cursor()
    cursor.execute("PRAGMA journal_mode=WAL")
    cursor.execute("PRAGMA synchronous=FULL")
    cursor.execute("PRAGMA foreign_keys=ON")
    # As on PostgreSQL: a filter on event types means the same on both.
    cursor.execute("PRAGMA case_sensitive_like=ON")
    cursor.close()


def _with_time_limits(settings: Settings) -> str:
    """libpq's `options`: our limits, and what the URL says there, which wins.

    The server's own keepalives too: a host that vanished would keep its row locks for hours.
    """
    given = make_url(settings.database_url).query.get("options", "")
    theirs = given if isinstance(given, str) else " ".join(given)
    frozen_seconds = settings.job_timeout_seconds + FROZEN_MARGIN_SECONDS
    limits = {
        "lock_timeout": f"{LOCK_WAIT_SECONDS}s",
        "idle_in_transaction_session_timeout": f"{frozen_seconds}s",
        "tcp_keepalives_idle": "10",
        "tcp_keepalives_interval": "5",
        "tcp_keepalives_count": "4",
    }
    ours = " ".join(f"-c {name}={value}" for name, value in limits.items())
    return f"{ours} {theirs}".strip()


def _remember(dbapi_connection: Any, _record: Any) -> None:
    _open_connections.add(dbapi_connection)


def _replace_sockets() -> None:
    nowhere = os.open(os.devnull, os.O_RDWR)
    for connection in list(_open_connections):
        if not connection.closed:
            os.dup2(nowhere, connection.fileno(), inheritable=False)
    os.close(nowhere)


def _begin(connection: Connection) -> None:
    read_only = connection.get_execution_options().get(READ_ONLY)
    connection.exec_driver_sql("BEGIN" if read_only else "BEGIN IMMEDIATE")
