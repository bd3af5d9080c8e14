"""The coverage strip: one row of equal hours per provider account, each a link with a name.

Silence is never complete: what nobody has compared is unknown, also where nothing came.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from payments.reconciliation.hours import HOUR
from payments.reconciliation.verdicts import Coverage

STRIP_HOURS = 48
LABEL_EVERY = 6
MOST_ON_A_CELL = 99
COMPLETE, GAP, UNKNOWN, OPEN = "complete", "gap", "unknown", "open"


@dataclass(frozen=True, kw_only=True)
class Cell:
    """One hour.

    Attributes:
        state: complete, gap, unknown or open: the class of how it looks.
        mark: what stands in it: the number missing, if any is.
        name: what is spoken, as in "25 Nov, 09:00 to 10:00 UTC: 3 missing".
        label: of the axis below it; None for most hours.
    """

    hour: datetime
    state: str
    mark: str
    name: str
    label: str | None


@dataclass(frozen=True, kw_only=True)
class Strip:
    """The hours of one account, and the verdict on them."""

    provider: str
    account: str
    verdict: str
    reason: str | None
    cells: Sequence[Cell]

    @property
    def entry(self) -> int:
        """Where the Tab key enters: the newest gap, or else the current hour."""
        gaps = [number for number, cell in enumerate(self.cells) if cell.state == GAP]
        return gaps[-1] if gaps else len(self.cells) - 1


def strips_of(coverage: Sequence[Coverage], now: datetime) -> list[Strip]:
    return [
        Strip(
            provider=it.provider,
            account=it.account,
            verdict=it.verdict,
            reason=it.reason,
            cells=[_cell(known, now) for known in it.hours],
        )
        for it in coverage
    ]


def _cell(known: dict[str, Any], now: datetime) -> Cell:
    hour, missing = known["hour"], known["missing"] or 0
    state, words = _state(known["state"], missing, is_over=hour + HOUR <= now)
    mark = f"{missing}" if missing <= MOST_ON_A_CELL else f"{MOST_ON_A_CELL}+"
    return Cell(
        hour=hour,
        state=state,
        mark=mark if missing else "",
        name=f"{hour:%d %b}, {hour:%H:%M} to {hour + HOUR:%H:%M} UTC: {words}",
        label=_label(hour),
    )


def _state(state: str, missing: int, *, is_over: bool) -> tuple[str, str]:
    """How it looks, and the words for it."""
    gone = f"{missing:,} missing"
    if state == "complete":
        return COMPLETE, "complete"
    if state == "gaps":
        return GAP, gone
    if state == "open" or not is_over:
        return OPEN, f"{gone} so far, still open" if missing else "still open"
    if state == "incomplete":
        return UNKNOWN, f"unknown, the comparison was cut short{f'; {gone}' if missing else ''}"
    return UNKNOWN, "unknown, not compared"


def _label(hour: datetime) -> str | None:
    if hour.hour % LABEL_EVERY:
        return None
    return f"{hour:%d %b}" if hour.hour == 0 else f"{hour:%H}"
