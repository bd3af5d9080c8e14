"""Deliveries that come with trouble of their own: odd clocks, and events that harm their worker."""

from __future__ import annotations

from tests.faults.kinds.base import Fault
from tests.faults.sender import TOLERANCE_SECONDS


class ClockInside(Fault):
    name = "deliveries whose clock is just inside the tolerance"
    room = "deliveries"

    def inject(self) -> None:
        nearly = TOLERANCE_SECONDS - 1
        self.target.sender.shift([-nearly, nearly, -nearly, nearly])


class ClockOutside(Fault):
    name = "deliveries whose clock is just outside the tolerance"
    room = "deliveries"

    def inject(self) -> None:
        beyond = TOLERANCE_SECONDS + 1
        self.target.sender.shift([-beyond, -beyond, beyond + 9, -beyond])


class Harmful(Fault):
    room = "deliveries"
    kind: str
    count = 1

    def inject(self) -> None:
        self.target.sender.want(self.kind, self.count)


class WorkerOutOfMemory(Harmful):
    name = "a handler allocates until its worker's limit"
    kind = "greedy"


class WorkerTooLarge(Harmful):
    name = "a handler leaks beyond WORKER_MAX_MEMORY_MB"
    kind = "bloated"


class WorkerKilledByMemory(Harmful):
    name = "a worker is killed by its memory, in a job"
    kind = "killed"


class KillerEvent(Harmful):
    name = "an event that kills every worker"
    kind = "killer"


KINDS = (
    ClockInside,
    ClockOutside,
    WorkerOutOfMemory,
    WorkerTooLarge,
    WorkerKilledByMemory,
    KillerEvent,
)
