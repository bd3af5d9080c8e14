"""Wrong tokens are counted per address and in all, and too many make their senders wait.

A right token from an address without failures always opens, whatever others do: nobody can lock
an operator out by guessing from elsewhere. Failures are counted in this process's memory and, for
all processes, in Redis; where Redis is away the memory alone decides.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import cached_property
from typing import TypeVar, cast

from flask import current_app
from limits import RateLimitItemPerMinute
from limits.storage import MemoryStorage, RedisStorage
from limits.strategies import FixedWindowRateLimiter
from redis.exceptions import RedisError

from payments.breaker import Breaker
from payments.config import Settings
from payments.errors import TooManyAttempts
from payments.queueing import BREAKER_OPEN_SECONDS, connect

EXTENSION = "payments.failed_logins"
OF_ONE = RateLimitItemPerMinute(10, namespace="failed-logins")
# Beyond it, an address has one try a minute.
OF_ALL = RateLimitItemPerMinute(100, namespace="failed-logins")
EVERYBODY = "all"
T = TypeVar("T")


class FailedLogins:
    """The wrong tokens of the running minute."""

    def __init__(self, settings: Settings) -> None:
        pool = connect(settings.redis_url).connection_pool
        self._shared = FixedWindowRateLimiter(RedisStorage("redis://", connection_pool=pool))
        self._breaker = Breaker(BREAKER_OPEN_SECONDS)

    def check(self, address: str) -> None:
        """Before a token is looked at.

        Raises:
            TooManyAttempts: it must not be, for a while.
        """
        own = self._count(OF_ONE, address)
        if own == 0:
            return
        if own >= OF_ONE.amount or self._count(OF_ALL, EVERYBODY) >= OF_ALL.amount:
            resets = self._ask(lambda them: them.get_window_stats(OF_ONE, address).reset_time)
            raise TooManyAttempts(max(1, round(max(resets) - time.time())))

    def add(self, address: str) -> None:
        """A token was wrong."""
        self._ask(lambda them: them.hit(OF_ONE, address))
        self._ask(lambda them: them.hit(OF_ALL, EVERYBODY))

    def _count(self, limit: RateLimitItemPerMinute, whose: str) -> int:
        left = self._ask(lambda them: them.get_window_stats(limit, whose).remaining)
        return limit.amount - min(left)

    @cached_property
    def _memory(self) -> FixedWindowRateLimiter:
        """Not made before it is needed: it starts a thread, and gunicorn forks."""
        return FixedWindowRateLimiter(MemoryStorage())

    def _ask(self, ask: Callable[[FixedWindowRateLimiter], T]) -> list[T]:
        """What the memory says, and what Redis says where it answers."""
        answers = [ask(self._memory)]
        if self._breaker.allows():
            try:
                answers.append(ask(self._shared))
                self._breaker.succeeded()
            except (RedisError, OSError):
                self._breaker.failed()
        return answers


def failed_logins() -> FailedLogins:
    """Those of the current application."""
    return cast(FailedLogins, current_app.extensions[EXTENSION])
