"""Every boundary of an operation: before and after each statement, commit and Redis round trip.

`Steps` counts them in this process, and at the wished one kills the process, has it
stand still, or breaks the connection in the way that the driver would report it.
"""

from __future__ import annotations

import os
import signal
import sqlite3
from collections.abc import Callable
from typing import Any

import psycopg
import redis
from redis.connection import AbstractConnection
from sqlalchemy import Engine

KILLED = 70
DIALECT_METHODS = ("do_execute", "do_execute_no_params", "do_executemany", "do_commit")
REDIS_METHODS = ("send_packed_command", "read_response")


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

    @property
    def hit(self) -> bool:
        return self.taken >= self.at

    @property
    def name(self) -> str:
        return self.names[-1] if self.names else "-"

    def watch_database(self, engine: Engine) -> None:
        for method in DIALECT_METHODS:
            original = getattr(engine.dialect, method)
            setattr(engine.dialect, method, self._around_database(method, original))

    def watch_redis(self) -> None:
        for method in REDIS_METHODS:
            original = getattr(AbstractConnection, method)
            setattr(AbstractConnection, method, self._around_redis(method, original))

    def _around_database(self, method: str, original: Callable[..., Any]) -> Callable[..., Any]:
        def call(first: Any, *arguments: Any, **named: Any) -> Any:
            connection = first if method == "do_commit" else first.connection
            said = method if method == "do_commit" else " ".join(str(arguments[0]).split())[:60]
            self._step(f"before {said}", lambda: break_database(connection))
            result = original(first, *arguments, **named)
            self._step(f"after {said}", lambda: break_database(connection))
            return result

        return call

    def _around_redis(self, method: str, original: Callable[..., Any]) -> Callable[..., Any]:
        def call(connection: AbstractConnection, *arguments: Any, **named: Any) -> Any:
            if method == "send_packed_command":
                self._step("before a Redis command", lambda: break_redis(connection))
                return original(connection, *arguments, **named)
            result = original(connection, *arguments, **named)
            self._step("after a Redis answer", lambda: break_redis(connection))
            return result

        return call

    def _step(self, name: str, broken: Callable[[], None]) -> None:
        if self.hit:
            return
        self.taken += 1
        self.names.append(name)
        if not self.hit:
            return
        if self.action == "kill":
            os._exit(KILLED)
        elif self.action == "stop":
            os.kill(os.getpid(), signal.SIGSTOP)
        else:
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
