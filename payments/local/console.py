"""Printing to a terminal, a pipe or a file, whose reader may leave before we do."""

from __future__ import annotations

import os
import sys
from contextlib import suppress


def say(text: str) -> None:
    """Prints at once: a file or a pipe would else be filled only at the end."""
    try:
        sys.stdout.write(f"{text}\n")
        sys.stdout.flush()
    except OSError:
        detach_output()


def complain(text: str) -> None:
    """The same for what is wrong, to standard error."""
    with suppress(OSError):
        sys.stderr.write(f"{text}\n")


def detach_output() -> None:
    """Drops what is printed from here on: nobody reads it (`make run | head`)."""
    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, sys.stdout.fileno())
    os.close(null)
