"""When the parts that nobody calls were last heard of: each scheduled job, and the scheduler.

Kept in Redis, where the schedule is. What Redis has lost is written again within a round.
"""

from __future__ import annotations

import time

import redis

KEY = "payments:beats"
SCHEDULER = "scheduler"
# The scheduled jobs, by the names under which they are noted.
JOBS = RECOVER, COUNT, EVENTS, MONEY = ("recover", "count", "events", "money")


def beat(connection: redis.Redis, name: str) -> None:
    """`name` has just done what it is there for.

    Raises:
        RedisError: it could not be noted.
    """
    connection.hset(KEY, name, repr(time.time()))


def last_beats(connection: redis.Redis) -> dict[str, float]:
    """Seconds since 1970, by name.

    Raises:
        RedisError: Redis does not say.
    """
    beats: dict[bytes, bytes] = connection.hgetall(KEY)  # type: ignore[assignment]  # not async
    return {name.decode(): float(at) for name, at in beats.items()}
