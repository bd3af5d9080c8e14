"""Printing to a terminal, a pipe or a file, whose reader may leave before we do."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from contextlib import suppress

from payments.local.errors import LocalError
from payments.variables import ConfigError


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


def exit_code_of(run: Callable[[], int]) -> int:
    """What `run` returns; 2 for a configuration that cannot be used, 1 for what else keeps it from
    running. Either is said."""
    try:
        return run()
    except ConfigError as error:
        complain(str(error))
        return 2
    except LocalError as error:
        complain(str(error))
        return 1


def detach_output() -> None:
    """Drops what is printed from here on: nobody reads it (`make run | head`)."""
    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, sys.stdout.fileno())
    os.close(null)
