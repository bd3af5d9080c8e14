"""Looking at processes from outside: what still runs, and who runs in a folder."""

from __future__ import annotations

import os
from pathlib import Path

PROC = Path("/proc")


def is_running(process: int) -> bool:
    """Whether it exists and has not ended; one that nobody has waited for has ended."""
    try:
        return (PROC / str(process) / "stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except ProcessLookupError:
        return False
    except FileNotFoundError:
        if (PROC / "self").exists():
            return False
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    return True


def processes_of(folder: Path) -> dict[int, list[str]]:
    """The processes whose working directory is `folder` or below it, with their command lines."""
    found = {}
    for entry in PROC.iterdir():
        if not entry.name.isdigit() or int(entry.name) == os.getpid():
            continue
        try:
            where = Path(os.readlink(entry / "cwd"))
            command = (entry / "cmdline").read_text().rstrip("\0").split("\0")
        except OSError:
            continue  # it ended meanwhile, or is somebody else's
        if where.is_relative_to(folder) and command != [""]:  # a zombie has none
            found[int(entry.name)] = command
    return found
