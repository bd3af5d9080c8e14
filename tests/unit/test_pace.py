"""The pace at which a provider is asked, and the pauses that it wants."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from payments.errors import AskedTooOften
from payments.providers.asking import Pace, wait_wanted


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


def test_so_many_a_second_and_no_more() -> None:
    clock = Clock()
    pace = Pace(4, clock, clock.sleep)
    for _ in range(9):
        pace.wait()
    assert clock.now == 102.0


def test_who_has_been_slow_may_not_hurry_afterwards() -> None:
    clock = Clock()
    pace = Pace(4, clock, clock.sleep)
    pace.wait()
    clock.now += 60
    for _ in range(5):
        pace.wait()
    assert clock.now == 161.0


def limited(clock: Clock, answers: list[float | None]) -> Callable[[], float]:
    """Answers with the time, after it has asked for these pauses; None: it does not say which."""

    def question() -> float:
        if answers:
            raise AskedTooOften("Stripe", answers.pop(0))
        return clock.now

    return question


def test_who_is_asked_for_a_pause_makes_it_and_asks_again() -> None:
    clock = Clock()
    pace = Pace(1000, clock, clock.sleep)
    assert pace.ask(limited(clock, [7.0, 5.0])) == 112.0


def test_pauses_whose_length_is_not_said_grow() -> None:
    clock = Clock()
    pace = Pace(1000, clock, clock.sleep)
    assert pace.ask(limited(clock, [None, None, None])) == 107.0


@pytest.mark.parametrize(
    ("pauses", "waited"), [([1.0] * 4, 3.0), ([3600.0], 0.0), ([1.0, 3600.0], 1.0)]
)
def test_pauses_are_bounded_in_number_and_length(pauses: list[float | None], waited: float) -> None:
    clock = Clock()
    pace = Pace(1000, clock, clock.sleep)
    with pytest.raises(AskedTooOften, match="for a pause of"):
        pace.ask(limited(clock, pauses))
    assert clock.now == 100.0 + waited


def test_what_is_no_number_of_seconds_says_nothing() -> None:
    texts = ("1", "0", "-1", "1.5", "soon", "Wed, 21 Oct 2026 07:28:00 GMT", "", None)
    assert list(map(wait_wanted, texts)) == [1.0, 0.0, None, None, None, None, None, None]
