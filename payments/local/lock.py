"""One `make run` per folder, and folders that only their owner can look into."""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from payments.local.errors import AlreadyRunning, LocalError

PATIENCE_SECONDS = 90.0


def private_folder(path: Path) -> Path:
    """`path`, made with mode 0700 where it is missing.

    Raises:
        LocalError: it cannot be made, or it belongs to somebody else.
    """
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        if path.stat().st_uid != os.geteuid():
            raise LocalError(f"{path} belongs to another user. Remove it, or set VAR_DIR.")
    except OSError as error:
        raise LocalError(f"{path} cannot be made ({error.strerror}). Set VAR_DIR.") from None
    return path


@contextmanager
def only_one(path: Path, patience: float = PATIENCE_SECONDS) -> Iterator[int]:
    """Holds the lock file `path`, whose descriptor it yields.

    The kernel releases a flock with the last descriptor, so a killed process keeps nothing. The
    embedded valkey is given the descriptor too: its folder counts as used until it has ended.
    When only such remains of a killed run are left, they get `patience` seconds.

    Raises:
        AlreadyRunning: with the process that holds it.
    """
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        _acquire(descriptor, patience)
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
        yield descriptor
        os.ftruncate(descriptor, 0)
    finally:
        os.close(descriptor)


def _acquire(descriptor: int, patience: float) -> None:
    deadline = time.monotonic() + patience
    while not _try(descriptor):
        owner = _owner(descriptor)
        if owner is not None and _is_alive(owner):
            raise AlreadyRunning(
                f"`make run` is already running in this folder (process {owner}). "
                "Stop that one first, or give this one another VAR_DIR."
            )
        if time.monotonic() >= deadline:
            raise AlreadyRunning("A previous `make run` of this folder has not ended yet.")
        time.sleep(0.1)


def _try(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return True
    except BlockingIOError:
        return False


def _owner(descriptor: int) -> int | None:
    """The process that wrote its id; None in the instant before it does."""
    text = os.pread(descriptor, 32, 0).strip()
    return int(text) if text.isdigit() else None


def _is_alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
