"""What each process counts, in files that all processes of this machine can read.

prometheus_client keeps a process's values in memory-mapped files, so they outlive it. Two things
are added. A process holds a lock for as long as it lives, however it ends, so what the dead have
left is known: their counts are folded into one file, else files would pile up as workers retire,
and the sums would fall when they are removed. And space is reserved before it is mapped: to write
into a mapping for which the disk has no room kills the process.
"""

from __future__ import annotations

import fcntl
import os
import secrets
import time
from collections import defaultdict
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import structlog
from prometheus_client import values
from prometheus_client.metrics_core import Metric
from prometheus_client.mmap_dict import MmapedDict
from prometheus_client.multiprocess import MultiProcessCollector

# Bytes for one process's values of one kind: five times what all known labels take.
RESERVED_BYTES = {"counter": 256 * 1024, "histogram": 1024 * 1024, "gauge_livesum": 64 * 1024}
# What prometheus_client adds to a key, at the most.
ENTRY_BYTES = 64
FOLDED = ("counter", "histogram")
# What stands for the processes that have ended.
ENDED = "ended"
ALIVE, DATABASE, LOCK = ".alive", ".db", "lock"
# It is held for some milliseconds at a time.
LOCK_SECONDS, LOCK_POLL_SECONDS = 2.0, 0.005

log = structlog.get_logger(__name__)


class ProcessFiles:
    """The files of one machine's processes, in one folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._pid: int | None = None
        self._name = ""
        self._alive = -1

    def join(self) -> None:
        """From now on, what this process counts is kept here. The first to come begins anew.

        Raises:
            OSError: the folder cannot be used, or has no room.
        """
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._become(os.getpid())
        with self._locked():
            others = self._fold()
            if not others:
                self._remove(ENDED)
        os.environ["PROMETHEUS_MULTIPROC_DIR"] = str(self.folder)
        values.ValueClass = values.MultiProcessValue(self._name_of_process)

    def metrics(self) -> Iterable[Metric]:
        """The sums over all processes.

        Raises:
            OSError: the folder cannot be read.
        """
        with self._locked():
            with suppress(OSError):  # no room to fold them in: they are read where they are
                self._fold()
            files = sorted(map(str, self.folder.glob(f"*{DATABASE}")))
            metrics: Iterable[Metric] = MultiProcessCollector.merge(files)
        return metrics

    def _name_of_process(self) -> str:
        """Asked before each count: a fork makes another process of this one."""
        if (pid := os.getpid()) != self._pid:
            self._become(pid)
        return self._name

    def _become(self, pid: int) -> None:
        # Not the number alone: containers that share the folder each have their own numbers.
        name = f"{pid}-{secrets.token_hex(4)}"
        with self._locked():
            inherited = self._alive
            self._alive = os.open(self.folder / f"{name}{ALIVE}", os.O_CREAT | os.O_RDWR, 0o600)
            fcntl.flock(self._alive, fcntl.LOCK_EX)
            if inherited >= 0:
                os.close(inherited)  # the parent holds it still
            for kind, size in RESERVED_BYTES.items():
                _reserve(self.folder / f"{kind}_{name}{DATABASE}", size)
        self._pid, self._name = pid, name

    def _fold(self) -> int:
        """Put what dead processes have counted into one file; returns how many live beside us."""
        others = 0
        dead = []
        for file in self.folder.glob(f"*{ALIVE}"):
            name = file.name.removesuffix(ALIVE)
            if name == self._name:
                continue
            if _is_locked(file):
                others += 1
            else:
                dead.append(name)
        if dead:
            for kind in FOLDED:
                self._fold_kind(kind, dead)
            for name in dead:
                self._remove(name)
        return others

    def _fold_kind(self, kind: str, dead: list[str]) -> None:
        ended = self.folder / f"{kind}_{ENDED}{DATABASE}"
        sums: dict[str, float] = defaultdict(float)
        for file in (ended, *(self.folder / f"{kind}_{name}{DATABASE}" for name in dead)):
            for key, value in _values_in(file):
                sums[key] += value
        # Under another ending, so that nobody reads it before it is whole.
        new = ended.with_suffix(".new")
        new.unlink(missing_ok=True)
        _reserve(new, ENTRY_BYTES + sum(len(key.encode()) + ENTRY_BYTES for key in sums))
        entries = MmapedDict(str(new))
        for key, value in sums.items():
            entries.write_value(key, value, 0.0)
        entries.close()
        new.replace(ended)

    def _remove(self, name: str) -> None:
        for file in self.folder.glob(f"*_{name}{DATABASE}"):
            file.unlink(missing_ok=True)
        (self.folder / f"{name}{ALIVE}").unlink(missing_ok=True)

    @contextmanager
    def _locked(self) -> Iterator[None]:
        """Nobody else comes, folds or reads meanwhile; counting goes on.

        Raises:
            OSError: somebody has held the lock for long, such as a process that stands still.
        """
        descriptor = os.open(self.folder / LOCK, os.O_CREAT | os.O_RDWR, 0o600)
        try:
            _lock(descriptor, time.monotonic() + LOCK_SECONDS)
            yield
        finally:
            os.close(descriptor)


def _lock(descriptor: int, deadline: float) -> None:
    while True:
        try:
            return fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > deadline:
                raise
        time.sleep(LOCK_POLL_SECONDS)


def _reserve(file: Path, size: int) -> None:
    descriptor = os.open(file, os.O_CREAT | os.O_RDWR, 0o600)
    try:
        os.posix_fallocate(descriptor, 0, size)
    finally:
        os.close(descriptor)


def _is_locked(file: Path) -> bool:
    try:
        descriptor = os.open(file, os.O_RDWR)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False


def _values_in(file: Path) -> Iterator[tuple[str, float]]:
    """Nothing of a file that is not there, or that its process left half written."""
    if not file.exists():
        return
    try:
        entries = list(MmapedDict.read_all_values_from_file(str(file)))
    except (OSError, RuntimeError, ValueError) as error:
        log.warning("counts are lost", file=file.name, error=type(error).__name__)
        return
    yield from ((key, value) for key, value, *_ in entries)
