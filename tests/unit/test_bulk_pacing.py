"""How fast a bulk operation goes, and when it stops."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from payments.bulk.pacing import (
    MOST_IN_FLIGHT,
    PROBE,
    SLICE,
    Progress,
    allowance,
    delay_seconds,
    reason_to_stop,
)

COUNTS = st.integers(0, 500)


def progress(done: int = 0, failed: int = 0, failing: int = 0, in_flight: int = 0) -> Progress:
    return Progress(done=done, failed=failed, failing=failing, in_flight=in_flight)


@pytest.mark.parametrize(
    ("now", "most"),
    [
        (progress(), 5),
        (progress(in_flight=5), 0),
        (progress(done=2, in_flight=3), 0),
        (progress(done=3), 2),
        (progress(done=5), SLICE),
        (progress(done=60, in_flight=MOST_IN_FLIGHT - 10), 10),
        (progress(done=60, in_flight=MOST_IN_FLIGHT), 0),
    ],
)
def test_five_go_first_and_then_so_many(now: Progress, most: int) -> None:
    assert allowance(now) == most


@pytest.mark.parametrize(
    ("now", "reason"),
    [
        (progress(done=4), None),
        (progress(done=4, failed=1), "1 of the first 5 fail again"),
        (progress(in_flight=5, failing=2), "2 of the first 5 fail again"),
        (progress(done=5, in_flight=50), None),
        (progress(done=5, failed=1), None),
        (
            progress(done=5, failed=1, failing=1, in_flight=9),
            "2 of 7 fail again: that is 20 % or more",
        ),
        (progress(done=81, failed=19), None),
        (progress(done=80, failed=20), "20 of 100 fail again: that is 20 % or more"),
    ],
)
def test_it_stops_when_too_many_fail(now: Progress, reason: str | None) -> None:
    assert reason_to_stop(now) == reason


@given(COUNTS, COUNTS, COUNTS)
def test_nothing_beyond_the_probe_is_started_before_the_probe_has_succeeded(
    done: int, failed: int, in_flight: int
) -> None:
    most = allowance(progress(done=done, failed=failed, in_flight=in_flight))
    assert 0 <= most <= SLICE
    if done < PROBE:
        assert most + done + failed + in_flight <= max(PROBE, done + failed + in_flight)


@given(st.floats(0, 10**6))
def test_it_looks_again_within_half_a_minute(idle: float) -> None:
    assert 1 <= delay_seconds(idle) <= 30
