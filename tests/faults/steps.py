"""Every boundary of an operation: between two things that it does to the world outside of it.

`Steps` counts them in this process, and at the wished one kills the process, has it stand still, or
breaks the connection in the way that the driver would report it.

Between one thing and the next nothing changes outside of the process, so it does not matter where
in between it dies or stands still: each statement, commit, Redis round trip and effect outside
has one boundary, before it, and one more is at the end. A connection breaks differently before the
thing (not done) and after it (done, but nobody knows); not so after a SELECT: it changes nothing.
"""

from __future__ import annotations

import os
import signal
import sqlite3
import weakref
from collections.abc import Callable
from typing import Any

import psycopg
import redis
from redis.connection import AbstractConnection
from sqlalchemy import Engine

from tests.faults import handlers

KILLED = 70
DIALECT_METHODS = ("do_execute", "do_execute_no_params", "do_executemany", "do_commit")


class Steps:
    """Installed once in a child process, never removed.

    Attributes:
        taken: how many boundaries have been passed; `names` says which.
        hit: whether the wished one was reached.
    """

    def __init__(self, at: int, action: str) -> None:
        """`at` counts from 1; `action` is "kill", "break" or "stop"."""
        self.at = at
        self.action = action
        self.taken = 0
        self.names: list[str] = []
        self._unanswered: weakref.WeakSet[AbstractConnection] = weakref.WeakSet()

    @property
    def hit(self) -> bool:
        return self.taken >= self.at

    def watch_database(self, engine: Engine) -> None:
        for method in DIALECT_METHODS:
            original = getattr(engine.dialect, method)
            setattr(engine.dialect, method, self._around_database(method, original))

    def watch_redis(self) -> None:
        for method, around in (
            ("send_packed_command", self._around_sending),
            ("read_response", self._around_reading),
        ):
            setattr(AbstractConnection, method, around(getattr(AbstractConnection, method)))

    def watch_outside(self) -> None:
        """The handlers' effects outside, which no connection carries."""
        original = handlers.do_outside

        def call(key: str) -> str:
            self._step("before the effect outside")
            return original(key)

        handlers.do_outside = call  # type: ignore[assignment]

    def end(self) -> None:
        """All is done, and nobody has been told."""
        self._step("at the end")

    def _around_database(self, method: str, original: Callable[..., Any]) -> Callable[..., Any]:
        def call(first: Any, *arguments: Any, **named: Any) -> Any:
            connection = first if method == "do_commit" else first.connection
            said = method if method == "do_commit" else " ".join(str(arguments[0]).split())[:60]
            self._step(f"before {said}", lambda: break_database(connection))
            result = original(first, *arguments, **named)
            if self.action == "break" and not said.startswith("SELECT "):
                self._step(f"after {said}", lambda: break_database(connection))
            return result

        return call

    def _around_sending(self, original: Callable[..., Any]) -> Callable[..., Any]:
        def call(connection: AbstractConnection, *arguments: Any, **named: Any) -> Any:
            self._step("before a Redis command", lambda: break_redis(connection))
            self._unanswered.add(connection)
            return original(connection, *arguments, **named)

        return call

    def _around_reading(self, original: Callable[..., Any]) -> Callable[..., Any]:
        """A pipeline has many answers, and is done when the first of them comes."""

        def call(connection: AbstractConnection, *arguments: Any, **named: Any) -> Any:
            result = original(connection, *arguments, **named)
            if self.action == "break" and connection in self._unanswered:
                self._unanswered.discard(connection)
                self._step("after a Redis answer", lambda: break_redis(connection))
            return result

        return call

    def _step(self, name: str, broken: Callable[[], None] | None = None) -> None:
        if self.hit or (self.action == "break" and broken is None):
            return
        self.taken += 1
        self.names.append(name)
        if not self.hit:
            return
        if self.action == "kill":
            os._exit(KILLED)
        elif self.action == "stop":
            os.kill(os.getpid(), signal.SIGSTOP)
        elif broken is not None:
            broken()


def break_database(connection: Any) -> None:
    """As the driver does where the server has gone, or the disk."""
    driver = getattr(connection, "driver_connection", connection)
    driver = getattr(driver, "dbapi_connection", driver)
    if isinstance(driver, sqlite3.Connection):
        raise sqlite3.OperationalError("disk I/O error")
    driver.close()
    raise psycopg.OperationalError("server closed the connection unexpectedly")


def break_redis(connection: AbstractConnection) -> None:
    connection.disconnect()
    raise redis.ConnectionError("Connection closed by server.")
