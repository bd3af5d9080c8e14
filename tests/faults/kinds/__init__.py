"""All kinds of faults, and the order in which a run has them."""

from __future__ import annotations

import random

from tests.faults.kinds import database, deliveries, disk, processes, valkey
from tests.faults.kinds.base import Fault

KINDS: tuple[type[Fault], ...] = (
    *processes.KINDS,
    *valkey.KINDS,
    *database.KINDS,
    *deliveries.KINDS,
    *disk.KINDS,
)


def kinds_for(database_name: str) -> list[type[Fault]]:
    return [kind for kind in KINDS if kind.database in (None, database_name)]


def plan(kinds: list[type[Fault]], count: int, rng: random.Random) -> list[type[Fault]]:
    """`count` kinds at random, each as often as the others: no kind is left out by chance."""

    rounds = count // len(kinds) + 1
    return [kind for _ in range(rounds) for kind in rng.sample(kinds, len(kinds))][:count]
