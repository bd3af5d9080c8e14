"""A circuit breaker: after a failure, the next callers do not wait for the same dead end."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable


class Breaker:
    """Open for `open_seconds` after a failure; then one caller at a time may try.

    One failure is enough to open it, because each costs a request its whole time budget. All
    methods are safe to call from several threads.
    """

    def __init__(
        self,
        open_seconds: float,
        clock: Callable[[], float] = time.monotonic,
        watch: Callable[[bool], None] | None = None,
    ) -> None:
        """`watch` is told when it opens (True) and closes."""
        self._open_seconds = open_seconds
        self._clock = clock
        self._watch = watch or (lambda is_open: None)
        self._lock = threading.Lock()
        self._retry_at: float | None = None

    @property
    def is_open(self) -> bool:
        return self._retry_at is not None

    def allows(self) -> bool:
        """Whether the caller may try now. While it is open, one caller per `open_seconds` may."""
        if not self.is_open:
            return True
        with self._lock:
            now = self._clock()
            if self._retry_at is None:
                return True
            if now < self._retry_at:
                return False
            # This caller is the probe; the others wait for what it finds.
            self._retry_at = now + self._open_seconds
            return True

    def succeeded(self) -> None:
        if self.is_open:
            with self._lock:
                self._retry_at = None
            self._watch(False)

    def failed(self) -> None:
        with self._lock:
            self._retry_at = self._clock() + self._open_seconds
        self._watch(True)
