"""A PostgreSQL that dies, hangs, hangs up, or has its table locked."""

from __future__ import annotations

from typing import ClassVar

import psycopg

from tests.faults.kinds.base import Fault
from tests.faults.postgresql import PostgreSQL


class PostgreSQLFault(Fault):
    room = "database"
    database = "postgresql"

    @property
    def server(self) -> PostgreSQL:
        assert self.target.postgresql is not None
        return self.target.postgresql


class PostgreSQLStopped(PostgreSQLFault):
    name = "PostgreSQL: immediate shutdown, and a restart"
    longest: ClassVar[float] = 4.0

    def inject(self) -> None:
        self.server.immediate_stop()

    def heal(self) -> None:
        self.server.start()


class PostgreSQLKilled(PostgreSQLStopped):
    name = "PostgreSQL is killed, and started again"

    def inject(self) -> None:
        self.server.kill()


class BackendKilled(PostgreSQLFault):
    name = "PostgreSQL: one session's process is killed"

    def inject(self) -> None:
        self.server.kill_backend()

    def heal(self) -> None:
        self.server.start()


class PostgreSQLPaused(PostgreSQLFault):
    name = "PostgreSQL stands still"
    longest: ClassVar[float] = 10.0

    def inject(self) -> None:
        self.server.pause()

    def heal(self) -> None:
        self.server.resume()


class ConnectionsTerminated(PostgreSQLFault):
    name = "PostgreSQL: all connections are terminated"

    def inject(self) -> None:
        self.server.terminate_connections()


class EventsLocked(PostgreSQLFault):
    name = "PostgreSQL: the events table is locked"
    longest: ClassVar[float] = 14.0

    def inject(self) -> None:
        self._connection = psycopg.connect(self.server.url, connect_timeout=3)
        self._connection.execute("SET lock_timeout = '10s'")
        try:
            self._connection.execute("LOCK TABLE events IN ACCESS EXCLUSIVE MODE")
        except psycopg.errors.LockNotAvailable:
            self._connection.rollback()

    def heal(self) -> None:
        self._connection.close()


KINDS = (
    PostgreSQLStopped,
    PostgreSQLKilled,
    BackendKilled,
    PostgreSQLPaused,
    ConnectionsTerminated,
    EventsLocked,
)
