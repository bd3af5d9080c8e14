"""The trend of a group of failures as a picture: a bar for each hour, and the same in words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from payments.models import utc_now
from payments.web.console.words import clock

HEIGHT = 24
STEP, WIDTH = 4, 3


@dataclass(frozen=True)
class Bar:
    """One hour, in units of the picture; `top` counts downwards."""

    left: int
    top: float
    height: float


@dataclass(frozen=True)
class Trend:
    """`words` say what the bars show, to those who do not see them."""

    bars: Sequence[Bar]
    words: str
    width: int
    height: int = HEIGHT
    bar_width: int = WIDTH


def trend(counts: Sequence[int]) -> Trend:
    """`counts` of equal hours, the current one last."""
    most = max(counts, default=0)
    bars = [
        Bar(STEP * place, round(HEIGHT - height, 1), round(height, 1))
        for place, count in enumerate(counts)
        if (height := _height(count, most))
    ]
    return Trend(bars=bars, words=_words(counts, utc_now()), width=STEP * len(counts))


def _height(count: int, most: int) -> float:
    """At least two units, so that few failures among many are still seen."""
    return max(2.0, HEIGHT * count / most) if count else 0.0


def _words(counts: Sequence[int], now: datetime) -> str:
    if not any(counts):
        return f"no failure in the last {len(counts)} hours"
    most = max(counts)
    hours_ago = len(counts) - 1 - counts.index(most)
    hour = now.replace(minute=0, second=0, microsecond=0) - timedelta(hours=hours_ago)
    return (
        f"{sum(counts):,} failures in the last {len(counts)} hours: at most {most:,} in an hour, "
        f"from {clock(hour)}; {counts[-1]:,} in the current one"
    )
