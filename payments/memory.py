"""How much memory this process holds: long-lived processes retire before they hold too much."""

from __future__ import annotations

import os

MEGABYTE = 1024 * 1024


def resident_bytes() -> int:
    """The memory that this process holds now; 0 where the system does not tell."""
    try:
        with open("/proc/self/statm", encoding="ascii") as statm:
            return int(statm.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except OSError:
        return 0
