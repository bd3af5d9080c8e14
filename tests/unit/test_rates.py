"""What is usual and what is not: no verdict without history, none on small numbers."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from payments.reconciliation.rates import (
    Deliveries,
    is_rising,
    is_spike,
    missed_by,
    usual,
)

HOUR = timedelta(hours=1)
NOON = datetime(2026, 3, 8, 12, tzinfo=UTC)
HALF_PAST_TWO = NOON + 2.5 * HOUR
numbers = st.lists(st.integers(0, 500), min_size=8 * 24, max_size=8 * 24)
factors = st.integers(2, 50)


def history(values: list[int] | int, hours: int = 8 * 24) -> dict[datetime, int]:
    """The hours that end at noon."""
    series = [values] * hours if isinstance(values, int) else values
    return {NOON - (len(series) - place) * HOUR: value for place, value in enumerate(series)}


@given(st.integers(0, 2), st.integers(0, 10_000), st.integers(0, 10_000))
def test_without_enough_history_there_is_no_anomaly(days: int, number: int, now: int) -> None:
    known = history(number, hours=24 * days)
    assert usual(known, NOON) is None
    assert missed_by(known, NOON, HALF_PAST_TWO) is None
    assert not is_spike(known, NOON, now)


@given(numbers)
def test_a_number_that_has_been_seen_before_is_no_spike(values: list[int]) -> None:
    known = history(values)
    before = usual(known, NOON)
    assert before is not None
    assert not is_spike(known, NOON, before.largest)


@given(numbers, factors)
def test_what_is_an_anomaly_stays_one_when_there_is_more_of_everything(
    values: list[int], factor: int
) -> None:
    known = history(values)
    more = history([factor * value for value in values])
    missed = missed_by(known, NOON, HALF_PAST_TWO)
    if missed is not None:
        scaled = missed_by(more, NOON, HALF_PAST_TWO)
        assert scaled == pytest.approx(factor * missed)
    for number in (30, 100, 1000, 5000):
        if is_spike(known, NOON, number):
            assert is_spike(more, NOON, factor * number)


@given(
    st.integers(0, 10**6),
    st.integers(0, 10**6),
    st.integers(0, 10**6),
    st.integers(0, 10**6),
    factors,
)
def test_a_share_that_rises_rises_also_with_more_deliveries(
    accepted: int, refused: int, accepted_now: int, refused_now: int, factor: int
) -> None:
    before = Deliveries(accepted=accepted, refused=refused)
    recent = Deliveries(accepted=accepted_now, refused=refused_now)
    if is_rising(before, recent):
        assert recent.share > before.share
        assert is_rising(
            Deliveries(accepted=factor * accepted, refused=factor * refused),
            Deliveries(accepted=factor * accepted_now, refused=factor * refused_now),
        )


@pytest.mark.parametrize(("rate", "hours", "surprising"), [
    (0, 10, False), (1, 10, False), (3, 4, False), (5, 1, False), (5, 3, True), (20, 1, True),
])  # fmt: skip
def test_a_silence_surprises_once_about_fourteen_events_are_missing(
    rate: int, hours: int, surprising: bool
) -> None:
    missed = missed_by(history(rate), NOON, NOON + hours * HOUR)
    assert (missed is not None) == surprising


def test_a_part_of_an_hour_counts_as_a_part() -> None:
    assert missed_by(history(100), NOON, NOON + 0.5 * HOUR) == pytest.approx(50)
    assert missed_by(history(100), NOON, NOON + 0.1 * HOUR) is None
    assert missed_by(history(100), NOON, NOON) is None


def test_a_silence_of_every_sunday_is_usual_on_sunday() -> None:
    week = history(100)
    assert missed_by(week, NOON, HALF_PAST_TWO) is not None
    quiet = {hour: 0 if hour.weekday() == NOON.weekday() else n for hour, n in week.items()}
    assert NOON.weekday() == 6
    assert missed_by(quiet, NOON, HALF_PAST_TWO) is None


def test_one_outage_in_the_week_does_not_change_what_is_usual() -> None:
    values = history(100)
    for hour in range(20, 30):
        values[NOON - hour * HOUR] = 0
    before = usual(values, NOON)
    assert before is not None
    assert before.number == 100


@pytest.mark.parametrize(("rate", "number", "spike"), [
    (0, 29, False), (0, 30, True), (10, 30, False), (10, 40, True), (100, 300, False),
    (100, 301, True),
])  # fmt: skip
def test_a_spike_is_far_above_what_is_usual(rate: int, number: int, spike: bool) -> None:
    assert is_spike(history(rate), NOON, number) == spike


def test_a_batch_that_comes_every_night_is_no_spike() -> None:
    batches = {hour: 1000 if hour.hour == 12 else 5 for hour in history(0)}
    assert not is_spike(batches, NOON, 1100)


@pytest.mark.parametrize(("before", "recent", "rising"), [
    ((0, 0), (0, 1000), False),      # nothing is known of before
    ((49, 0), (0, 1000), False),
    ((1000, 0), (100, 9), False),    # too few to say
    ((1000, 0), (100, 10), True),
    ((1000, 0), (1000, 10), False),  # one in a hundred
    ((1000, 1000), (100, 110), False),
    ((10_000, 100), (0, 50), True),
])  # fmt: skip
def test_a_share_of_bad_signatures_rises(
    before: tuple[int, int], recent: tuple[int, int], rising: bool
) -> None:
    seen = [Deliveries(accepted=it[0], refused=it[1]) for it in (before, recent)]
    assert is_rising(*seen) == rising
