"""The effect ledger: what a handler does outside of the database, done once per key.

A mail or an HTTP call cannot be rolled back with the handler's transaction. So what was done is
noted under a key that the handler chooses, and is not done again by a retry or a replay.

On PostgreSQL it is noted at once, in a transaction of its own. SQLite has one writer, which is the
handler's transaction, so there it is noted when the attempt ends, however it ends.

Between doing and noting, the process can die; then the effect is done once more. That window
cannot be closed from here. So the key is handed to the function that does it: an outside world
that knows idempotency keys (Stripe's `Idempotency-Key`, a mail's Message-ID) closes it.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from payments.database import insert_into, transaction
from payments.models import Effect, utc_now

LONGEST_KEY = 255


@dataclass(frozen=True)
class DoneEffect:
    """An effect that was done in this attempt: its key, when, and what it returned, as JSON."""

    key: str
    done_at: datetime
    result: str | None


class Effects:
    """The ledger, as one attempt at one event sees it."""

    def __init__(self, event_id: int, session: Session) -> None:
        self._event_id = event_id
        self._session = session
        self._pending: list[DoneEffect] = []

    def once(self, key: str, do: Callable[[str], Any]) -> Any:
        """Call `do(key)` unless it was done before; returns what it returned then or now.

        Results are kept as JSON, so that a second call gives what the first gave.

        Raises:
            ValueError: the key is empty or longer than 255 characters.
            TypeError: the result cannot be kept as JSON.
        """
        if not isinstance(key, str) or not 0 < len(key) <= LONGEST_KEY:
            raise ValueError(f"an effect's key has 1 to {LONGEST_KEY} characters, got {key!r}")
        for effect in self._pending:
            if effect.key == key:
                return _load(effect.result)
        self._wait_for_others(key)
        known = self._session.execute(select(Effect.result).where(Effect.key == key)).one_or_none()
        if known is not None:
            return _load(known.result)
        return self._do(key, do)

    def note_pending(self, session: Session) -> None:
        """Write down, in `session`'s transaction, what was done and is not noted yet."""
        for effect in self._pending:
            _note(session, self._event_id, effect)

    def _do(self, key: str, do: Callable[[str], Any]) -> Any:
        result = do(key)
        done_at = utc_now()
        try:
            kept = None if result is None else json.dumps(result)
        except Exception:  # no JSON, circular, too deep
            # It was done, and must not be done again because its result is of no use to us.
            self._keep(DoneEffect(key, done_at, None))
            raise
        self._keep(DoneEffect(key, done_at, kept))
        return result

    def _keep(self, effect: DoneEffect) -> None:
        """Pending until it is noted: where that fails now, it is noted when the attempt ends."""
        self._pending.append(effect)
        if self.can_note_at_once:
            with transaction() as session:
                _note(session, self._event_id, effect)
            self._pending.remove(effect)

    @property
    def can_note_at_once(self) -> bool:
        return self._session.get_bind().dialect.name == "postgresql"

    def _wait_for_others(self, key: str) -> None:
        """Two events may ask for the same effect at once: the second waits for the first.

        On SQLite the write lock, which the handler's transaction holds, does the same.
        """
        if self.can_note_at_once:
            self._session.execute(select(func.pg_advisory_xact_lock(func.hashtextextended(key, 0))))


def _note(session: Session, event_id: int, effect: DoneEffect) -> None:
    """Where it is noted already, that note stands: failing here would leave the attempt open."""
    values = {
        "key": effect.key,
        "event_id": event_id,
        "done_at": effect.done_at,
        "result": effect.result,
    }
    session.execute(insert_into(session, Effect).on_conflict_do_nothing(), values)


def _load(result: str | None) -> Any:
    return None if result is None else json.loads(result)
