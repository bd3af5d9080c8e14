"""Dry runs of several events: what a replay of them would do, in counts and a few examples."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from payments.actions import REPLAY, ItemResult, preview
from payments.database import snapshot
from payments.dry_run import DryRun, dry_run
from payments.errors import NotFound

SHOWN_WHOLE = 5


@dataclass(kw_only=True)
class Rehearsal:
    """What replaying some events would do; it may be ended early, and then says what is left.

    Attributes:
        ids: the events that would be replayed.
        skipped: those that would not be, with why.
        outcomes: how many dry runs had which outcome.
        shown: the first few dry runs, whole.
    """

    ids: list[int]
    skipped: list[ItemResult]
    outcomes: Counter[str] = field(default_factory=Counter)
    shown: list[DryRun] = field(default_factory=list)

    @classmethod
    def of(cls, ids: Sequence[int]) -> Rehearsal:
        """Nothing is dry-run yet; a replay's own rules have been asked."""
        with snapshot() as session:
            foreseen = preview(session, REPLAY, ids)
        return cls(ids=foreseen.ids, skipped=foreseen.skipped)

    @property
    def left(self) -> int:
        """How many have not been dry-run."""
        return len(self.ids) - self.outcomes.total()

    def run(self, ids: Iterable[int]) -> None:
        """Dry-run `ids`: those of `self.ids`, for as long as the caller goes on handing them in."""
        for id in ids:
            try:
                result = dry_run(id)
            except NotFound as error:  # it was there a moment ago
                self.ids.remove(id)
                self.skipped.append(ItemResult(event_id=id, done=False, outcome=str(error)))
                continue
            self.outcomes[result.outcome] += 1
            if len(self.shown) < SHOWN_WHOLE:
                self.shown.append(result)

    def describe(self) -> dict[str, Any]:
        """The whole of it, ready for JSON."""
        return {
            "matched": len(self.ids) + len(self.skipped),
            "outcomes": dict(self.outcomes.most_common()),
            "shown": [result.describe() for result in self.shown],
            "skipped": [vars(result) for result in self.skipped],
            "left": self.left,
            "dry_run": True,
        }
