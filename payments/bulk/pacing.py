"""How fast a bulk operation goes, and when it stops: pure functions of its counts."""

from __future__ import annotations

from dataclasses import dataclass

# So many go alone; the others only when all of these have succeeded.
PROBE = 5
MOST_FAILED_PERCENT = 20
# So many are started by one job, and are on their way at the same time.
SLICE = 50
MOST_IN_FLIGHT = 100
LONGEST_DELAY_SECONDS = 30


@dataclass(frozen=True, kw_only=True)
class Progress:
    """The items since the operation was confirmed last.

    Attributes:
        failed: whose event has died again.
        failing: in flight, and an attempt has failed already: the next one may succeed.
        in_flight: started and not ended, the failing ones among them.
    """

    done: int
    failed: int
    failing: int
    in_flight: int

    @property
    def started(self) -> int:
        return self.done + self.failed + self.in_flight


def reason_to_stop(progress: Progress) -> str | None:
    """Why no further item may be started; None where one may.

    A failed attempt is enough: waiting for its event's death would only cost time.
    """
    bad = progress.failed + progress.failing
    if progress.done < PROBE:
        return f"{bad} of the first {PROBE} fail again" if bad else None
    seen = progress.done + bad
    if 100 * bad < MOST_FAILED_PERCENT * seen:
        return None
    return f"{bad} of {seen} fail again: that is {MOST_FAILED_PERCENT} % or more"


def allowance(progress: Progress) -> int:
    """How many further items may be started now."""
    if progress.started < PROBE:
        return PROBE - progress.started
    if progress.done < PROBE:
        return 0
    return max(0, min(SLICE, MOST_IN_FLIGHT - progress.in_flight))


def delay_seconds(idle_seconds: float) -> float:
    """Until the next look, when nothing has moved for `idle_seconds`."""
    return min(LONGEST_DELAY_SECONDS, max(1.0, idle_seconds / 10))
