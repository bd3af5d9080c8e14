"""What is usual, and what is too far from it: pure functions over numbers per hour.

Webhooks come in clusters, so they spread more than a Poisson process would. The spread is taken
from the history itself, by medians, which one odd hour does not move; it is never taken to be less
than Poisson's, so that small numbers do not cry wolf.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from statistics import fmean, median

from payments.reconciliation.hours import HOUR

DAYS = 7
AROUND = (-HOUR, timedelta(0), HOUR)
FEWEST_DAYS = 3
# A median absolute deviation of a normal distribution is 1 / 1.4826 of its standard deviation.
MAD_TO_DEVIATION = 1.4826
# Once in a million hours, if nothing is wrong.
SILENCE_EVIDENCE = -math.log(1e-6)
SPIKE_DEVIATIONS = 6.0
SPIKE_TIMES_USUAL = 3
SPIKE_TIMES_LARGEST = 2
FEWEST_IN_SPIKE = 30
FEWEST_DELIVERIES_BEFORE = 50
FEWEST_REFUSED = 10
LEAST_SHARE = 0.05
SHARE_TIMES_BEFORE = 2
SHARE_DEVIATIONS = 4.0

History = Mapping[datetime, int]


@dataclass(frozen=True, kw_only=True)
class Usual:
    """What is usual in one hour of the day.

    Attributes:
        number: the median of that hour, and of those around it, on the days before.
        variance: how far it spreads; at least `number`, as with Poisson.
        largest: the most that was seen.
        same_weekday: the mean of the same hours a week before; None where they are not known.
    """

    number: float
    variance: float
    largest: int
    same_weekday: float | None


@dataclass(frozen=True, kw_only=True)
class Deliveries:
    """Deliveries of some hours: accepted, and refused for their signature."""

    accepted: int = 0
    refused: int = 0

    @property
    def total(self) -> int:
        return self.accepted + self.refused

    @property
    def share(self) -> float:
        """The refused ones, from 0 to 1."""
        return self.refused / self.total if self.total else 0.0

    def __add__(self, other: Deliveries) -> Deliveries:
        return Deliveries(
            accepted=self.accepted + other.accepted, refused=self.refused + other.refused
        )


def usual(history: History, hour: datetime) -> Usual | None:
    """What the seven days before `hour` make usual; None where too few of them are known.

    An hour that `history` does not have is not known; 0 says that nothing came.
    """
    days = [_around(history, hour - timedelta(days=day)) for day in range(1, DAYS + 1)]
    samples = [number for day in days for number in day]
    if sum(map(bool, days)) < FEWEST_DAYS:
        return None
    middle = median(samples)
    deviation = MAD_TO_DEVIATION * median(abs(number - middle) for number in samples)
    return Usual(
        number=middle,
        variance=max(middle, deviation**2),
        largest=max(samples),
        same_weekday=fmean(days[-1]) if days[-1] else None,
    )


def missed_by(history: History, silent_since: datetime, now: datetime) -> float | None:
    """How many events a silence from `silent_since` (a full hour) to `now` has kept from coming.

    None where the silence is not surprising, or there is too little history to say. It has to
    surprise by the usual number and by that of the same weekday: shops have weekends.
    """
    expected = variance = 0.0
    hour = silent_since
    while hour < now:
        by_then = usual(history, hour)
        if by_then is None:
            return None
        part = min((now - hour) / HOUR, 1.0)
        weekday = by_then.number if by_then.same_weekday is None else by_then.same_weekday
        expected += part * min(by_then.number, weekday)
        variance += part * by_then.variance
        hour += HOUR
    # The chance that nothing comes is exp(-expected) for Poisson, and this for clusters.
    if variance == 0 or expected**2 / variance < SILENCE_EVIDENCE:
        return None
    return expected


def is_spike(history: History, hour: datetime, number: int) -> bool:
    """Whether `number` is far more than `hour` has ever had; never without enough history."""
    if number < FEWEST_IN_SPIKE:
        return False
    before = usual(history, hour)
    if before is None:
        return False
    return (
        number > SPIKE_TIMES_USUAL * before.number
        and number > SPIKE_TIMES_LARGEST * before.largest
        and number - before.number > SPIKE_DEVIATIONS * math.sqrt(max(before.variance, 1.0))
    )


def is_rising(before: Deliveries, recent: Deliveries) -> bool:
    """Whether the share of refused deliveries has risen, by more than chance explains."""
    if before.total < FEWEST_DELIVERIES_BEFORE or recent.refused < FEWEST_REFUSED:
        return False
    if recent.share < max(LEAST_SHARE, SHARE_TIMES_BEFORE * before.share):
        return False
    both = before + recent
    chance = both.share * (1 - both.share) * (1 / before.total + 1 / recent.total)
    return recent.share - before.share > SHARE_DEVIATIONS * math.sqrt(chance)


def _around(history: History, hour: datetime) -> list[int]:
    """The numbers of `hour` and its neighbours; none where `hour` itself is not known."""
    if hour not in history:
        return []
    return [history[hour + shift] for shift in AROUND if hour + shift in history]
