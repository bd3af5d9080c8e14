"""Asking a provider's API for what it knows: one question after the other, at a bounded rate."""

from __future__ import annotations

import logging
import re
import time
from collections.abc import Callable, Mapping
from typing import Any, Protocol, TypeVar

from payments.errors import AskedTooOften
from payments.variables import Variables

Query = Mapping[str, str | int]
Answer = TypeVar("Answer")
RATE = "RECONCILE_REQUESTS_PER_SECOND"
PER_SECOND = 8.0
# How often one question waits for a provider that limits its rate, and for how long at most. Who
# asks for more is asked again by the next run.
MOST_WAITS = 3
LONGEST_WAIT_SECONDS = 20.0
# Where the provider does not say for how long; doubled each time.
FIRST_WAIT_SECONDS = 1.0
WAIT = re.compile(r"[0-9]{1,9}")

logger = logging.getLogger(__name__)


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

    def ask(self, question: Callable[[], Answer]) -> Answer:
        """The answer to a `question`, asked again after the pause that the provider wants (429).

        Raises:
            AskedTooOften: the pause is too long, or it wants one again and again.
        """
        for number in range(MOST_WAITS):
            self.wait()
            try:
                return question()
            except AskedTooOften as error:
                pause = FIRST_WAIT_SECONDS * 2**number
                if error.wait_seconds is not None:
                    pause = error.wait_seconds
                if pause > LONGEST_WAIT_SECONDS:
                    raise
                logger.warning("%s It is asked again in %g seconds.", error, pause)
                self._sleep(pause)
        self.wait()
        return question()


def wait_wanted(header: str | None) -> float | None:
    """The seconds of a `Retry-After`; None where there are none (RFC 9110 also allows a date)."""
    return float(header) if header is not None and WAIT.fullmatch(header) else None
