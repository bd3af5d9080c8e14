"""Ctrl-C in the middle of many events: the one at hand is finished, and then it is reported."""

from __future__ import annotations

import signal
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

EXIT_CODE = 130  # 128 + SIGINT, as shells have it
LONGEST_NAP_SECONDS = 0.1


class Interruption:
    """Whether Ctrl-C was pressed."""

    asked = False

    def paced(self, ids: Iterable[int], per_second: float) -> Iterator[int]:
        """The ids, at most so many a second, until it is asked for."""
        next_at = time.monotonic()
        for id in ids:
            while not self.asked and (wait := next_at - time.monotonic()) > 0:
                time.sleep(min(wait, LONGEST_NAP_SECONDS))
            if self.asked:
                return
            next_at = max(next_at, time.monotonic() - 1) + 1 / per_second
            yield id


@contextmanager
def interruptible() -> Iterator[Interruption]:
    """The first Ctrl-C in the block only asks; the second one ends the block at once."""
    interruption = Interruption()
    before = signal.getsignal(signal.SIGINT)

    def ask(*_: object) -> None:
        interruption.asked = True
        signal.signal(signal.SIGINT, before)

    signal.signal(signal.SIGINT, ask)
    try:
        yield interruption
    except KeyboardInterrupt:
        interruption.asked = True
    finally:
        signal.signal(signal.SIGINT, before)
