"""What a process uses, as Linux tells: memory and processor time."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

PROC = Path("/proc")
MEGABYTE = 1024 * 1024
TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Memory:
    """In MiB. A page that several processes share counts in full in `rss`, in parts in `pss`."""

    rss: float
    pss: float


def memory_of(process: int) -> Memory:
    """Source: proc_pid_smaps(5); its figures are in units of 1024 bytes."""
    sizes: dict[str, int] = {}
    for line in (PROC / str(process) / "smaps_rollup").read_text().splitlines()[1:]:
        name, value, *_ = line.split()
        sizes[name.rstrip(":")] = int(value) * 1024
    return Memory(sizes["Rss"] / MEGABYTE, sizes["Pss"] / MEGABYTE)


def children_of(process: int) -> list[int]:
    """The processes that its first thread has started, and that have not ended."""
    listed = (PROC / str(process) / "task" / str(process) / "children").read_text()
    return [int(child) for child in listed.split()]


def cpu_seconds(process: int) -> float:
    """Processor time of `process` and its living children, so far (proc_pid_stat(5))."""
    fields = (PROC / str(process) / "stat").read_text().rpartition(")")[2].split()
    own = (int(fields[11]) + int(fields[12])) / TICKS_PER_SECOND
    return own + sum(map(cpu_seconds, children_of(process)))
