"""What a run is asked to do."""

from __future__ import annotations

import argparse
import secrets
from collections.abc import Sequence
from dataclasses import dataclass

LONG = (500, 100_000)
SHORT = (30, 2_500)


@dataclass(frozen=True)
class Options:
    """How much of what. `longest_hold` bounds how long a fault lasts, in seconds.

    Attributes:
        quiet_seconds: after the last fault, everything must have ended within so long.
        lanes: so many faults happen at the same time.
        longest_pause: between two faults of a lane, in seconds.
    """

    faults: int
    events: int
    seed: int
    database: str
    short: bool
    longest_hold: float
    quiet_seconds: float
    longest_pause: float
    lanes: int = 2


def parse(arguments: Sequence[str] | None = None) -> Options:
    parser = argparse.ArgumentParser(
        prog="python -m tests.faults",
        description="Break things while webhooks arrive, and count what was lost.",
    )
    parser.add_argument("--faults", type=_positive, help="how many")
    parser.add_argument("--events", type=_positive, help="how many different ones are sent")
    parser.add_argument("--seed", type=int, help="repeats a run's faults and events")
    parser.add_argument("--database", choices=("postgresql", "sqlite"), default="postgresql")
    parser.add_argument("--short", action="store_true", help="at most four minutes")
    asked = parser.parse_args(arguments)
    faults, events = SHORT if asked.short else LONG
    return Options(
        faults=asked.faults or faults,
        events=asked.events or events,
        seed=secrets.randbelow(2**31) if asked.seed is None else asked.seed,
        database=asked.database,
        short=asked.short,
        longest_hold=3.0 if asked.short else 14.0,
        longest_pause=1.2 if asked.short else 6.0,
        quiet_seconds=150 if asked.short else 400 + (asked.events or events) / 40,
    )


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError("must be at least 1")
    return number
