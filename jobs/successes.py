"""Noting when a scheduled job last came to its end, so that one that does not is noticed."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import ParamSpec

import structlog
from redis.exceptions import RedisError

from payments.beats import beat
from payments.queueing import job_queue

log = structlog.get_logger(__name__)
P = ParamSpec("P")


def noted(name: str) -> Callable[[Callable[P, None]], Callable[P, None]]:
    """Decorates a job: each time that it returns is noted under `name`."""

    def decorate(job: Callable[P, None]) -> Callable[P, None]:
        @wraps(job)
        def run(*args: P.args, **kwargs: P.kwargs) -> None:
            job(*args, **kwargs)
            try:
                beat(job_queue().connection, name)
            except (RedisError, OSError) as error:  # the work is done all the same
                log.warning("success not noted", job=name, error=type(error).__name__)

        return run

    return decorate
