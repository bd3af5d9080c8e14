"""Progress: how many events have ended, and how old the oldest is that has not."""

from __future__ import annotations

import sys
import time
from dataclasses import dataclass

from sqlalchemy import Engine, text
from sqlalchemy.exc import SQLAlchemyError

STARTED = time.monotonic()
COUNTS = text(
    "SELECT count(*), coalesce(sum(CASE WHEN status IN ('received', 'processing', 'retrying') "
    "THEN 1 ELSE 0 END), 0), min(CASE WHEN status IN ('received', 'processing', 'retrying') "
    "THEN received_at END), coalesce(sum(CASE WHEN status = 'dead' THEN 1 ELSE 0 END), 0) "
    "FROM events"
)


@dataclass(frozen=True)
class Counts:
    rows: int
    unfinished: int
    oldest: object
    dead: int

    @property
    def finished(self) -> int:
        return self.rows - self.unfinished


def counts(engine: Engine) -> Counts | None:
    """None while the database does not answer."""
    try:
        with engine.connect() as connection:
            if connection.dialect.name == "postgresql":
                connection.execute(text("SET LOCAL lock_timeout = '1s'"))
                connection.execute(text("SET LOCAL statement_timeout = '5s'"))
            return Counts(*connection.execute(COUNTS).one())
    except SQLAlchemyError:
        return None


def say(line: str) -> None:
    sys.stdout.write(f"[{time.monotonic() - STARTED:6.1f} s] {line}\n")
    sys.stdout.flush()
