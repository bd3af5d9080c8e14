"""What the web process says of itself to those who ask for a reload: a file under `var/`."""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path


@dataclass(frozen=True)
class Report:
    """The holder's process, how many reloads have ended, and what was wrong with the last or ""."""

    process: int
    reloads: int = 0
    problem: str = ""


class ReportFile:
    """The report of the web process on one port."""

    def __init__(self, var_dir: Path, port: int) -> None:
        self.path = var_dir / f"web-{port}.json"
        self._lock = var_dir / f"web-{port}.lock"

    @contextmanager
    def held(self) -> Iterator[None]:
        """While the block runs, the report is of a process that lives; a kill ends that, too."""
        with self._locked(fcntl.LOCK_EX):
            try:
                yield
            finally:
                self.path.unlink(missing_ok=True)

    def write(self, report: Report) -> None:
        new = self.path.with_suffix(".new")
        new.write_text(json.dumps(asdict(report)), encoding="utf-8")
        new.rename(self.path)

    def read(self) -> Report | None:
        """None where no web process runs: a report that was left by a killed one does not count."""
        try:
            with self._locked(fcntl.LOCK_SH | fcntl.LOCK_NB):
                return None
        except BlockingIOError:
            pass
        try:
            return Report(**json.loads(self.path.read_text(encoding="utf-8")))
        except FileNotFoundError:
            return None

    @contextmanager
    def _locked(self, operation: int) -> Iterator[None]:
        descriptor = os.open(self._lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, operation)
            yield
        finally:
            os.close(descriptor)
