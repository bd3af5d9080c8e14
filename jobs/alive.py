"""Whether this machine's worker, or a scheduler, has said lately that it lives, for a container's
health check: `python -m jobs.alive worker`, or `scheduler`.
"""

from __future__ import annotations

import socket
import sys

import redis
from redis import Redis
from rq import Worker
from rq_scheduler import Scheduler

from payments.config import environment, load_settings
from payments.providers import REGISTERED

OURS = f"{Worker.redis_worker_namespace_prefix}{socket.gethostname()}-"
SCHEDULERS = f"{Scheduler.redis_scheduler_namespace_prefix}*"


def worker_is_alive(connection: Redis) -> bool:
    """One that ends leaves the set; the key of one that is not heard of expires in a minute."""
    keys = [key for key in Worker.all_keys(connection) if key.startswith(OURS)]
    return any(connection.exists(key) for key in keys)


def scheduler_is_alive(connection: Redis) -> bool:
    """Its key expires 15 seconds after it was last heard of."""
    return any(connection.scan_iter(SCHEDULERS, count=1000))


CHECKS = {"worker": worker_is_alive, "scheduler": scheduler_is_alive}


def main(arguments: list[str]) -> int:
    if len(arguments) != 1 or arguments[0] not in CHECKS:
        sys.stderr.write("usage: python -m jobs.alive worker|scheduler\n")
        return 2
    settings = load_settings(environment(), REGISTERED)
    try:
        alive = CHECKS[arguments[0]](Redis.from_url(settings.redis_url, socket_timeout=5))
    except redis.RedisError as error:
        sys.stderr.write(f"Redis could not be asked: {type(error).__name__}\n")
        return 1
    return 0 if alive else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
