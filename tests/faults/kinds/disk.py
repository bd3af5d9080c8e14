"""A full disk under SQLite."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import ClassVar

from tests.faults.kinds.base import Fault

FILLER = "filler"


class DiskFull(Fault):
    name = "the disk under SQLite is full"
    room = "database"
    database = "sqlite"
    longest: ClassVar[float] = 8.0

    @property
    def filler(self) -> Path:
        assert self.target.disk is not None
        return self.target.disk / FILLER

    def inject(self) -> None:
        """Twice, because the database's files grow meanwhile."""
        with self.filler.open("wb") as file:
            size = 0
            for _ in range(20):
                free = shutil.disk_usage(self.filler.parent).free
                if not free:
                    return
                try:
                    os.posix_fallocate(file.fileno(), size, free)
                    size += free
                except OSError:
                    continue

    def heal(self) -> None:
        self.filler.unlink(missing_ok=True)


KINDS = (DiskFull,)
