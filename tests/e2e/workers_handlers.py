"""Handlers for the tests of the worker's process: each event type misbehaves in its own way."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path
from typing import Any

from payments.handlers import handles

FOLDER = Path(os.environ.get("VAR_DIR", "."))


def note(name: str, event: Any) -> None:
    with (FOLDER / name).open("a") as file:
        file.write(f"{event.event_id}\n")


@handles("stripe", "good")
def good(event: Any, *_: Any) -> None:
    note("good", event)


@handles("stripe", "kills.its.worker")
def kills(event: Any, *_: Any) -> None:
    note("killed", event)
    os.kill(os.getpid(), signal.SIGKILL)


@handles("stripe", "overruns")
def overruns(event: Any, *_: Any) -> None:
    note("overran", event)
    time.sleep(600)


@handles("stripe", "stuck.in.c")
def stuck_in_c(event: Any, *_: Any) -> None:
    """One long call into C, which keeps the interpreter's lock: no signal handler runs."""
    note("stuck", event)
    sum(range(10**12))


@handles("stripe", "takes.a.while")
def takes_a_while(event: Any, *_: Any) -> None:
    note("began", event)
    time.sleep(2)
    note("ended", event)


@handles("stripe", "grows")
def grows(event: Any, *_: Any) -> None:
    hoard.append(bytearray(os.urandom(1024)) * 1024 * 200)
    note("grew", event)


@handles("stripe", "freezes")
def freezes(event: Any, *_: Any) -> None:
    """The first worker stands still here, with all of its threads."""
    note("called", event)
    if len((FOLDER / "called").read_text().split()) == 1:
        os.kill(os.getpid(), signal.SIGSTOP)


hoard: list[bytearray] = []
