"""A search that no index helps ends after a while and says so; it keeps nobody else waiting."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import text
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from payments.errors import TookTooLong

# SQLite asks so often whether to go on: after this many steps of its virtual machine.
STEPS = 10_000
STOPPED = ("interrupted", "canceling statement due to statement timeout")


@contextmanager
def at_most(session: Session, seconds: float) -> Iterator[None]:
    """Queries of `session` within the block end after `seconds`.

    Raises:
        TookTooLong: one of them did.
    """
    limit = _limit_sqlite if session.get_bind().dialect.name == "sqlite" else _limit_postgresql
    try:
        with limit(session, seconds):
            yield
    except OperationalError as error:
        if not any(words in str(error.orig) for words in STOPPED):
            raise
        session.rollback()
        raise TookTooLong from None


@contextmanager
def _limit_sqlite(session: Session, seconds: float) -> Iterator[None]:
    driver = session.connection().connection.driver_connection
    assert driver is not None
    deadline = time.monotonic() + seconds
    driver.set_progress_handler(lambda: time.monotonic() > deadline, STEPS)
    try:
        yield
    finally:
        driver.set_progress_handler(None, 0)


@contextmanager
def _limit_postgresql(session: Session, seconds: float) -> Iterator[None]:
    session.execute(text(f"SET LOCAL statement_timeout = {round(1000 * seconds)}"))
    yield
    session.execute(text("SET LOCAL statement_timeout = DEFAULT"))
