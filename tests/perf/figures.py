"""What was measured: series of repeated figures, their ratios, and what was aimed for."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Series:
    """One figure, measured once per round; `unit` is "" for a ratio."""

    name: str
    unit: str
    values: Sequence[float]

    @property
    def median(self) -> float:
        return statistics.median(self.values)

    @property
    def lowest(self) -> float:
        return min(self.values)

    @property
    def highest(self) -> float:
        return max(self.values)

    def over(self, other: Series, name: str) -> Series:
        """This one divided by `other`, round by round: what slowed both down cancels out."""
        pairs = zip(self.values, other.values, strict=True)
        return Series(name, "", [mine / others for mine, others in pairs])


@dataclass
class Section:
    """A part of the report. `notes` say how it was measured."""

    title: str
    notes: Sequence[str]
    series: list[Series] = field(default_factory=list)

    def add(self, name: str, unit: str, values: Sequence[float]) -> Series:
        """Add a series; an empty one is left out of the report."""
        new = Series(name, unit, values)
        if values:
            self.series.append(new)
        return new

    def add_ratio(self, name: str, mine: Series, others: Series) -> Series:
        self.series.append(mine.over(others, name))
        return self.series[-1]


@dataclass(frozen=True)
class Target:
    """What the median of the series of this name shall reach, or at most be."""

    name: str
    limit: float
    at_most: bool = False

    def met_by(self, series: Series) -> bool:
        return series.median <= self.limit if self.at_most else series.median >= self.limit
