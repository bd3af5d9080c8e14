"""Ending with one's parent, so that who is killed leaves nothing behind.

Linux tells a process when its parent ends (prctl(2), PR_SET_PDEATHSIG), at once. Elsewhere, and
in case that is refused, the parent's id is looked at every second: an orphan is given another.
"""

from __future__ import annotations

import ctypes
import os
import sys
import threading
import time
from collections.abc import Callable

PR_SET_PDEATHSIG = 1
POLL_SECONDS = 1.0


def kernel_request() -> Callable[[int], None]:
    """A function that asks the kernel for a signal at the parent's end; does nothing off Linux.

    Everything is looked up beforehand, because the function is also called between fork and
    exec, where little may be done.
    """
    if not sys.platform.startswith("linux"):
        return lambda number: None
    prctl = ctypes.CDLL(None).prctl

    def request(number: int) -> None:
        prctl(PR_SET_PDEATHSIG, number, 0, 0, 0)

    return request


def end_with_parent(number: int) -> None:
    """From now on, the signal `number` reaches this process when its parent ends.

    Starts a thread: call it after the last fork.
    """
    parent = os.getppid()
    kernel_request()(number)
    threading.Thread(target=_poll, args=(parent, number), daemon=True).start()


def _poll(parent: int, number: int) -> None:
    while os.getppid() == parent:
        time.sleep(POLL_SECONDS)
    os.kill(os.getpid(), number)
