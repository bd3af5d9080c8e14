"""Charts as SVG that the server draws: bars of minutes, in units of the drawing, with words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

WIDTH = 720
GAP = 2
MINUTE = timedelta(minutes=1)


@dataclass(frozen=True, kw_only=True)
class Bar:
    """A part of one minute's bar; `kind` is the class of how it looks."""

    kind: str
    left: float
    top: float
    width: float
    height: float


@dataclass(frozen=True, kw_only=True)
class Tick:
    """A time below the bars; `left` is in percent of the width."""

    left: float
    label: str


@dataclass(frozen=True, kw_only=True)
class Chart:
    """What the template draws.

    Attributes:
        most: the number that the highest bar stands for.
        words: the same for those who do not see it.
    """

    width: int
    height: int
    bars: Sequence[Bar]
    ticks: Sequence[Tick]
    most: int
    words: str


def stacked(
    kinds: Mapping[str, Sequence[int]], start: datetime, *, height: int, tick_minutes: int = 15
) -> Chart:
    """One bar for each minute; in it the kinds stand on each other, the first at the bottom."""
    minutes = max(map(len, kinds.values()), default=0)
    totals = [sum(numbers[minute] for numbers in kinds.values()) for minute in range(minutes)]
    most = max(totals, default=0)
    step = WIDTH / max(minutes, 1)
    bars: list[Bar] = []
    for minute in range(minutes):
        top = float(height)
        for kind, numbers in kinds.items():
            if not numbers[minute]:
                continue
            # What is there is seen, however little it is.
            size = max(1.5, height * numbers[minute] / most)
            top = max(0.0, top - size)
            left, width = round(minute * step, 2), round(step - GAP, 2)
            bars.append(
                Bar(kind=kind, left=left, top=round(top, 2), width=width, height=round(size, 2))
            )
    return Chart(
        width=WIDTH,
        height=height,
        bars=bars,
        ticks=_ticks(start, minutes, step, tick_minutes),
        most=most,
        words=_words(kinds, totals, start),
    )


def _ticks(start: datetime, minutes: int, step: float, every: int) -> list[Tick]:
    times = [(minute, start + minute * MINUTE) for minute in range(minutes)]
    return [
        Tick(left=round(100 * minute * step / WIDTH, 2), label=f"{at:%H:%M}")
        for minute, at in times
        if at.minute % every == 0
    ]


def _words(kinds: Mapping[str, Sequence[int]], totals: Sequence[int], start: datetime) -> str:
    if not sum(totals):
        return "Nothing in the last hour"
    said = ", ".join(f"{sum(numbers):,} {kind}" for kind, numbers in kinds.items() if sum(numbers))
    most = max(totals)
    at = start + totals.index(most) * MINUTE
    return f"The last hour: {said}; at most {most:,} in a minute, at {at:%H:%M} UTC"
