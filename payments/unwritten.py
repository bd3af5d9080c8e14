"""Attempts whose end could not be written down, because the database was away.

Their process lives; left open, they would be taken for the deaths of a process, and three of those
make an event a killer. So their process keeps the ends, and writes them before it begins anything
else, also over a burial by another one.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass

import structlog
from sqlalchemy import or_, update
from sqlalchemy.orm import Session

from payments.database import server_now, transaction
from payments.models import Attempt

DIED = "died"
# A process has as many as it had jobs while the database was away, and each waits for a time-out.
MOST_KEPT = 1000

log = structlog.get_logger(__name__)
_lock = threading.Lock()
_ends: dict[tuple[int, int], End] = {}


@dataclass(frozen=True, kw_only=True)
class End:
    """How an attempt ended: its outcome, the class of the error, and its masked message."""

    outcome: str
    error_type: str
    message: str


def keep(event_id: int, number: int, end: End) -> None:
    """Remember how attempt `number` at the event with this primary key ended."""
    with _lock:
        if len(_ends) < MOST_KEPT:
            _ends[event_id, number] = end
    log.warning("attempt's end is kept", id=event_id, number=number, outcome=end.outcome)


def write_kept() -> None:
    """Write down what is kept; ordinarily there is nothing.

    Raises:
        OperationalError: the database is still away; nothing is forgotten.
    """
    if not _ends:
        return
    with _lock:
        with transaction() as session:
            for (event_id, number), end in _ends.items():
                _write(session, event_id, number, end)
        _ends.clear()


def _write(session: Session, event_id: int, number: int, end: End) -> None:
    session.execute(
        update(Attempt)
        .where(Attempt.event_id == event_id, Attempt.number == number)
        .where(or_(Attempt.outcome.is_(None), Attempt.outcome == DIED))
        .values(
            outcome=end.outcome,
            finished_at=server_now(session),
            error_type=end.error_type,
            error_message=end.message,
        )
        .execution_options(synchronize_session=False)
    )
