"""Whether Redis keeps what it is given: production asks before it starts.

Nothing is lost for good with a forgetful Redis (recovery rebuilds the queue from the database),
but waiting jobs are late, and `maxmemory` with eviction drops them silently. So the operator
should know.
"""

from __future__ import annotations

import redis
from redis.exceptions import RedisError

from payments.config import Settings
from payments.variables import ConfigError, Problem

TOLD_SO = "or set REDIS_DURABLE=1 to say that you know it is durable (a managed one, say)"


def require_durable_redis(settings: Settings, connection: redis.Redis) -> None:
    """In production, ask Redis how it is set up, unless `REDIS_DURABLE` says so.

    Raises:
        ConfigError: it is not durable, or it cannot be told.
    """
    if not settings.is_production or settings.redis_durable:
        return
    if problems := durability_problems(connection):
        raise ConfigError([Problem("REDIS_URL", what, fix) for what, fix in problems])


def durability_problems(connection: redis.Redis) -> list[tuple[str, str]]:
    """What is wrong with Redis' setup, each with its fix; empty where it is durable."""
    try:
        setup = {**connection.config_get("appendonly"), **connection.config_get("maxmemory-policy")}
    except (RedisError, OSError) as error:
        reason = f"names a Redis that does not tell whether it is durable ({type(error).__name__})"
        return [(reason, f"Start it, allow CONFIG GET, {TOLD_SO}")]
    problems = []
    if setup.get("appendonly") != "yes":
        problems.append(("names a Redis without AOF", f"Set appendonly yes, {TOLD_SO}"))
    if setup.get("maxmemory-policy") != "noeviction":
        problems.append(
            ("names a Redis that may evict jobs", f"Set maxmemory-policy noeviction, {TOLD_SO}")
        )
    return problems
