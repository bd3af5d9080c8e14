"""The effect ledger in a dry run: looks, and does nothing."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from payments.dry_run.result import NotDone
from payments.handlers.effects import Effects
from payments.models import Effect


class DryEffects(Effects):
    """Notes what is asked for.

    `once` never calls its function. Of an effect that was done before it returns what the ledger
    kept, as a real attempt would; of any other None, because nobody knows what it would return.
    """

    def __init__(self, event_id: int, session: Session) -> None:
        super().__init__(event_id, session)
        self._asked: dict[str, NotDone] = {}

    def once(self, key: str, do: Callable[[str], Any]) -> Any:
        result = super().once(key, do)
        if key not in self._asked:
            query = select(Effect.done_at).where(Effect.key == key)
            self._asked[key] = NotDone(key=key, done_at=self._session.scalar(query))
        return result

    @property
    def asked(self) -> tuple[NotDone, ...]:
        return tuple(self._asked.values())

    @property
    def would_do(self) -> bool:
        return any(effect.done_at is None for effect in self.asked)

    def _do(self, key: str, do: Callable[[str], Any]) -> Any:
        return None

    def _wait_for_others(self, key: str) -> None:
        """Nothing is done, so nobody has to wait, and no worker is kept waiting."""
