"""Processes of the service that die, or stand still for a while."""

from __future__ import annotations

import contextlib
import os
import signal
from typing import ClassVar

from tests.faults.kinds.base import Fault
from tests.faults.service import NAMES, WEBS, WORKERS
from tests.support.service import SCHEDULER

LONGEST_PAUSE_SECONDS = 10.0


def send(pid: int, number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, number)


class ProcessFault(Fault):
    """Signals to the processes that `victims` names."""

    room = "service"

    def victims(self) -> list[int]:
        raise NotImplementedError

    def some_child(self, names: tuple[str, ...]) -> list[int]:
        children = self.target.service.children(self.rng.choice(names))
        return [self.rng.choice(children)] if children else []


class Kill(ProcessFault):
    def inject(self) -> None:
        for pid in self.victims():
            send(pid, signal.SIGKILL)


class Pause(ProcessFault):
    longest: ClassVar[float] = LONGEST_PAUSE_SECONDS

    def inject(self) -> None:
        self._paused = self.victims()
        for pid in self._paused:
            send(pid, signal.SIGSTOP)

    def heal(self) -> None:
        for pid in self._paused:
            send(pid, signal.SIGCONT)


class GunicornWorker(ProcessFault):
    def victims(self) -> list[int]:
        return self.some_child(WEBS)


class GunicornMaster(ProcessFault):
    def victims(self) -> list[int]:
        return self.target.service.pids(self.rng.choice(WEBS))[:1]


class BusyWorker(ProcessFault):
    def victims(self) -> list[int]:
        return self.target.service.pids(self.target.service.busy_worker(self.rng))[:1]


class RQScheduler(ProcessFault):
    def victims(self) -> list[int]:
        return self.some_child(WORKERS)


class PeriodicScheduler(ProcessFault):
    def victims(self) -> list[int]:
        return self.target.service.pids(SCHEDULER)[:1]


class Everything(ProcessFault):
    def victims(self) -> list[int]:
        return [pid for name in NAMES for pid in self.target.service.pids(name)]


class KillGunicornWorker(GunicornWorker, Kill):
    name = "a gunicorn worker is killed"


class PauseGunicornWorker(GunicornWorker, Pause):
    name = "a gunicorn worker stands still"


class KillGunicornMaster(GunicornMaster, Kill):
    name = "a gunicorn master is killed"


class PauseGunicornMaster(GunicornMaster, Pause):
    name = "a gunicorn master stands still"


class KillBusyWorker(BusyWorker, Kill):
    name = "a worker is killed in a job"


class PauseBusyWorker(BusyWorker, Pause):
    name = "a worker stands still in a job"


class KillRQScheduler(RQScheduler, Kill):
    name = "RQ's scheduler child is killed"


class PauseRQScheduler(RQScheduler, Pause):
    name = "RQ's scheduler child stands still"


class KillPeriodicScheduler(PeriodicScheduler, Kill):
    name = "rq-scheduler is killed"


class PausePeriodicScheduler(PeriodicScheduler, Pause):
    name = "rq-scheduler stands still"


class KillEverything(Everything, Kill):
    name = "all processes are killed at once"


class PauseEverything(Everything, Pause):
    name = "all processes stand still at once"


KINDS = (
    KillGunicornWorker,
    PauseGunicornWorker,
    KillGunicornMaster,
    PauseGunicornMaster,
    KillBusyWorker,
    PauseBusyWorker,
    KillRQScheduler,
    PauseRQScheduler,
    KillPeriodicScheduler,
    PausePeriodicScheduler,
    KillEverything,
    PauseEverything,
)
