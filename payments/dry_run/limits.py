"""How long handlers may take in a dry run, and what they may do beside their session."""

from __future__ import annotations

import ctypes
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from dataclasses import dataclass

from sqlalchemy import Connection, Engine, event

_only_reading = ContextVar("payments_dry_run_only_reading", default=False)


class TookTooLong(BaseException):
    """The handlers took too long for a dry run, which keeps others waiting."""

    # Not an Exception: a handler that catches those must not go on.


@dataclass
class Limit:
    """Whether the time was up before the block ended."""

    reached: bool = False


@contextmanager
def time_limit(seconds: float, interrupt: Callable[[], object], limit: Limit) -> Iterator[None]:
    """Raise TookTooLong in this thread after `seconds`; `interrupt` ends a running statement.

    The exception reaches Python code only. A C function, such as `time.sleep`, first returns.
    """
    ended, lock, thread = threading.Event(), threading.Lock(), threading.get_ident()

    def fire() -> None:
        with lock:
            if not ended.is_set():
                limit.reached = True
                _raise_in(thread, TookTooLong)
                # Where no statement runs, or its server is away, there is nothing to interrupt.
                with suppress(Exception):
                    interrupt()

    timer = threading.Timer(seconds, fire)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        with lock:
            ended.set()
        timer.cancel()
        _raise_in(thread, None)  # what was raised and has not arrived yet


def _raise_in(thread: int, error: type[BaseException] | None) -> None:
    ctypes.pythonapi.PyThreadState_SetAsyncExc(
        ctypes.c_ulong(thread), ctypes.py_object(error) if error else None
    )


@contextmanager
def others_only_read() -> Iterator[None]:
    """A handler that opens a session of its own may read with it, but write nothing.

    On SQLite the dry run holds the only write lock anyway.
    """
    token = _only_reading.set(True)
    try:
        yield
    finally:
        _only_reading.reset(token)


@event.listens_for(Engine, "begin")
def _begin_reading(connection: Connection) -> None:
    # For all engines and from the start: adding listeners is not safe beside threads that run them.
    if _only_reading.get() and connection.dialect.name == "postgresql":
        connection.exec_driver_sql("SET TRANSACTION READ ONLY")
