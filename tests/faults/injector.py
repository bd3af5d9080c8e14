"""Has the planned faults happen, several at once, while the sender keeps pace with them."""

from __future__ import annotations

import random
import threading
import time
from collections import Counter
from collections.abc import Sequence

from tests.faults.kinds.base import Fault, Target
from tests.faults.options import Options

LONGEST_WAIT_SECONDS = 20.0


class Injector:
    """Runs `options.lanes` threads, each with one fault at a time.

    The sender may only be so far in its events as this is in its faults, and the other way round:
    each fault finds deliveries on their way.
    """

    def __init__(self, planned: Sequence[type[Fault]], target: Target, options: Options) -> None:
        self.done = 0
        self.started = 0
        self.counts: Counter[str] = Counter()
        self.latest = ""
        self.problems: list[str] = []
        self._planned = planned
        self._target = target
        self._options = options
        self._rng = random.Random(options.seed)
        self._lock = threading.Lock()
        self._rooms = {kind.room: threading.Lock() for kind in planned}
        self._stopped = threading.Event()
        self._threads = [
            threading.Thread(target=self._work, name=f"lane-{n}", daemon=True)
            for n in range(options.lanes)
        ]

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Waits until every fault that happens now is made good."""
        self._stopped.set()
        for thread in self._threads:
            if thread.ident is not None:
                thread.join()

    @property
    def is_done(self) -> bool:
        return self.done >= len(self._planned)

    def events_allowed(self) -> float:
        """How many events may have been sent by now."""
        share = (self.started + 1) / len(self._planned)
        return self._options.events * (1.0 if self.is_done else share)

    def _work(self) -> None:
        while not self._stopped.is_set():
            with self._lock:
                if self.started >= len(self._planned):
                    return
                number = self.started
                self.started += 1
                fault = self._planned[number](self._target, random.Random(self._rng.random()))
            with self._rooms[fault.room]:
                self._keep_pace(number)
                self._run(number, fault)
            self._stopped.wait(fault.rng.uniform(0.1, self._options.longest_pause))

    def _keep_pace(self, number: int) -> None:
        wanted = self._options.events * (number - 1) / len(self._planned)
        deadline = time.monotonic() + LONGEST_WAIT_SECONDS
        while self._target.sender.begun < wanted and time.monotonic() < deadline:
            if self._stopped.wait(0.05):
                return

    def _run(self, number: int, fault: Fault) -> None:
        self.latest = f"#{number + 1} {fault.name}"
        try:
            try:
                fault.inject()
                self._stopped.wait(fault.hold(self._options.longest_hold))
            finally:
                fault.heal()
            self.counts[fault.name] += 1
        except Exception as error:  # a fault that could not be done is reported, and not counted
            self.problems.append(f"{self.latest}: {type(error).__name__}: {error}")
        with self._lock:
            self.done += 1
