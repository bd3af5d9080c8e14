"""Asking a provider's API for what it knows: one question after the other, at a bounded rate."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any, Protocol

from payments.variables import Variables

Query = Mapping[str, str | int]
RATE = "RECONCILE_REQUESTS_PER_SECOND"
PER_SECOND = 8.0


class Api(Protocol):
    """One account's API, for reading.

    `livemode` says whether the key sees live or test objects; None where it does not tell.
    """

    @property
    def livemode(self) -> bool | None: ...

    def get(self, path: str, query: Query | None = None) -> dict[str, Any] | None:
        """The JSON object at `path`; None where there is none (404).

        Raises:
            MayNotAsk: this key may not see it.
            CannotAsk: no usable answer; the message says why, without a key or a body.
        """
        ...


class Pace:
    """Waits before each question, so that there are at most so many a second."""

    def __init__(
        self,
        per_second: float = PER_SECOND,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._interval = 1 / per_second
        self._clock, self._sleep = clock, sleep
        self._next = clock()

    @classmethod
    def configured(cls, variables: Variables) -> Pace:
        return cls(variables.number(RATE, PER_SECOND, least=0.1, most=1000.0))

    def wait(self) -> None:
        now = self._clock()
        if now < self._next:
            self._sleep(self._next - now)
        self._next = max(now, self._next) + self._interval
