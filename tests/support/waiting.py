"""Waiting for a condition, with a deadline and an error that says what was waited for."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")
POLL_SECONDS = 0.02


def eventually(condition: Callable[[], T], what: str, seconds: float = 20) -> T:
    """The first truthy result of `condition`; an AssertionError after `seconds`."""
    deadline = time.monotonic() + seconds
    while True:
        result = condition()
        if result:
            return result
        if time.monotonic() > deadline:
            raise AssertionError(f"{what}: not within {seconds:g} s (last result: {result!r})")
        time.sleep(POLL_SECONDS)
