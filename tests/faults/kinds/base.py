"""A fault: something that breaks on purpose, and is made good again."""

from __future__ import annotations

import random
from abc import ABC, abstractmethod
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from tests.faults.postgresql import PostgreSQL
from tests.faults.sender import Sender
from tests.faults.service import KeptService
from tests.support.servers import Valkey


@dataclass(frozen=True)
class Target:
    """What can be broken. `postgresql` is None on SQLite, whose file is in `disk`."""

    service: KeptService
    valkey: Valkey
    sender: Sender
    postgresql: PostgreSQL | None
    disk: Path | None


class Fault(ABC):
    """One fault of one kind. `hold` seconds pass between `inject` and `heal`.

    Attributes:
        name: what the progress and the report call it.
        room: what it breaks: two faults of one room never overlap.
        longest: the most seconds that it holds; the short form has a limit of its own.
        database: the only database that it is for, where there is one.
    """

    name: ClassVar[str]
    room: ClassVar[str]
    longest: ClassVar[float] = 0.0
    database: ClassVar[str | None] = None

    def __init__(self, target: Target, rng: random.Random) -> None:
        self.target = target
        self.rng = rng

    def hold(self, limit: float) -> float:
        """Seconds; most are short, so that the long ones do not fill the run."""
        return min(self.longest, limit) * self.rng.random() ** 2

    @abstractmethod
    def inject(self) -> None: ...

    def heal(self) -> None:
        """Make it good again, where the process manager does not."""
        return
