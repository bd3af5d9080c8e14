"""The service's handlers under the fault suite: a countable effect per event, and bad behaviour.

Each event carries its kind, which says how its handler behaves (tests/faults/events.py). The
process that runs them is a real worker; `FAULTS_FOLDER` names the folder of the outside world.
"""

from __future__ import annotations

import contextlib
import os
import random
import resource
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from sqlalchemy import BigInteger, Column, Integer, MetaData, String, Table, insert
from sqlalchemy.orm import Session

from payments.errors import PermanentFailure, RetryAfter
from payments.handlers.effects import Effects
from payments.handlers.registry import HandledEvent, handles

FOLDER = "FAULTS_FOLDER"
OUTSIDE_FILE = "outside.txt"
MEGABYTE = 1024 * 1024
# No unique constraint: an effect that happened twice must be seen.
EFFECTS = Table(
    "fault_effects",
    MetaData(),
    Column("id", BigInteger().with_variant(Integer, "sqlite"), primary_key=True),
    Column("event_id", BigInteger, nullable=False),
    Column("provider_event_id", String(255), nullable=False),
)
_leaked: list[bytearray] = []


class Flaky(Exception):
    """The handler failed on purpose."""


def count(event: HandledEvent, session: Session, effects: Effects) -> None:
    row = {"event_id": event.id, "provider_event_id": event.event_id}
    session.execute(insert(EFFECTS), row)
    kind = kind_of(event)
    if kind.endswith("outside"):
        effects.once(outside_key(event.provider, event.event_id), do_outside)
    BEHAVIOURS.get(kind.removesuffix("_outside"), nothing)(event)


def kind_of(event: HandledEvent) -> str:
    data: dict[str, Any] = event.data
    if event.provider == "stripe":
        return str(data["data"]["object"]["metadata"]["kind"])
    return str(data["resource"]["custom_id"])


def outside_key(provider: str, event_id: str) -> str:
    return f"mail:{provider}:{event_id}"


def do_outside(key: str) -> str:
    """What cannot be rolled back: a line in a file."""
    file = os.open(folder() / OUTSIDE_FILE, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    try:
        os.write(file, f"{key}\n".encode())
    finally:
        os.close(file)
    return key


def folder() -> Path:
    return Path(os.environ[FOLDER])


def nothing(_event: HandledEvent) -> None:
    """It behaves."""


def flaky(_event: HandledEvent) -> None:
    if random.random() < 0.5:
        raise Flaky("as happens")


def once_flaky(event: HandledEvent) -> None:
    if first_time(event):
        raise Flaky("the first time")


def later(_event: HandledEvent) -> None:
    if random.random() < 0.5:
        raise RetryAfter(1)


def slow(_event: HandledEvent) -> None:
    time.sleep(random.uniform(0.02, 0.3))


def exits(_event: HandledEvent) -> None:
    if random.random() < 0.5:
        sys.exit("a handler must not, and some do")


def refused(_event: HandledEvent) -> None:
    raise PermanentFailure("never any good")


def hopeless(_event: HandledEvent) -> None:
    raise Flaky("every time")


def greedy(event: HandledEvent) -> None:
    """Allocates until the process may not have more, in its first attempt."""
    if not first_time(event):
        return
    hoard: list[bytearray] = []
    with address_space(extra_bytes=96 * MEGABYTE):
        try:
            while True:
                hoard.append(bytearray(8 * MEGABYTE))
        finally:
            hoard.clear()


def bloated(event: HandledEvent) -> None:
    """Leaks more than `WORKER_MAX_MEMORY_MB`: its worker retires after this job."""
    if first_time(event):
        _leaked.append(bytearray(b"x") * (160 * MEGABYTE))


def killed(event: HandledEvent) -> None:
    """What the kernel does to a process that has taken too much memory, in the first attempt."""
    if first_time(event):
        os.kill(os.getpid(), signal.SIGKILL)


def killer(_event: HandledEvent) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def first_time(event: HandledEvent) -> bool:
    """Whether no attempt at this event has asked before, in whichever process."""
    try:
        os.close(os.open(folder() / f"attempted-{event.id}", os.O_CREAT | os.O_EXCL))
    except FileExistsError:
        return False
    return True


@contextlib.contextmanager
def address_space(extra_bytes: int) -> Any:
    """A limit of this process's memory, a little above what it has."""
    soft, hard = resource.getrlimit(resource.RLIMIT_AS)
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    limit = pages * resource.getpagesize() + extra_bytes
    resource.setrlimit(resource.RLIMIT_AS, (limit, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_AS, (soft, hard))


BEHAVIOURS: dict[str, Callable[[HandledEvent], None]] = {
    "flaky": flaky,
    "once_flaky": once_flaky,
    "later": later,
    "slow": slow,
    "exits": exits,
    "refused": refused,
    "hopeless": hopeless,
    "greedy": greedy,
    "bloated": bloated,
    "killed": killed,
    "killer": killer,
}


def register() -> None:
    """Once for each process; the tests take a registration back after each of them."""
    handles("stripe", "payment_intent.*")(count)
    handles("paypal", "PAYMENT.CAPTURE.*")(count)
