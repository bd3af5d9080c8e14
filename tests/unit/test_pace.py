"""The pace at which a provider is asked: never faster, and nothing is saved up by waiting."""

from __future__ import annotations

from payments.providers.asking import Pace


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
