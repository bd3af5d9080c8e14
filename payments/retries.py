"""When to try again: exponential backoff with full jitter, as pure functions.

Full jitter draws each delay uniformly between nothing and the exponential bound, so that a
thousand events that failed together do not come back together. Source: "Exponential Backoff
And Jitter", AWS Architecture Blog, 2015.
"""

from __future__ import annotations

import random
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class RetryPolicy:
    """How often and how long: `max_attempts` in all; seconds for `base_seconds`, `cap_seconds`."""

    max_attempts: int
    base_seconds: float
    cap_seconds: float

    def ceiling(self, attempt: int) -> float:
        """The longest delay in seconds after the failure of attempt number `attempt` (from 1)."""
        # 2 ** 62 is past any cap; it keeps a huge attempt number from overflowing the float.
        return min(self.cap_seconds, self.base_seconds * 2.0 ** min(attempt - 1, 62))

    def backoff(self, attempt: int, rng: random.Random) -> float:
        """The delay in seconds, at least a fifth of a second, after attempt number `attempt`.

        The floor keeps an unlucky draw from hammering what has just failed.
        """
        ceiling = self.ceiling(attempt)
        return max(min(0.2, ceiling), rng.uniform(0, ceiling))

    def remaining(self, attempts: int) -> int:
        """How many attempts are left after `attempts` were made; never below 0."""
        return max(0, self.max_attempts - attempts)
