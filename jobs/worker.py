"""The worker's main: a long-lived process on one queue, with the application built once.

`python -m jobs.worker`. A process manager starts several, and starts again what dies.
"""

from __future__ import annotations

import os
import socket

import redis
from rq import SimpleWorker
from rq.serializers import JSONSerializer

from payments.app import create_app
from payments.config import Settings
from payments.extensions import settings
from payments.queueing import queue_of

# RQ's clean-up of abandoned jobs runs between two dequeues, and a dequeue waits for up to
# worker_ttl - 15 s. With these, a dead worker's job is taken up again in about a minute and a half.
WORKER_TTL_SECONDS = 60
MAINTENANCE_SECONDS = 30


def main() -> None:
    with create_app().app_context():
        build_worker(settings()).work(with_scheduler=True)


def build_worker(settings: Settings) -> SimpleWorker:
    """One queue only: with several, RQ's dequeue would not survive a crash."""
    connection = redis.Redis.from_url(settings.redis_url)
    return SimpleWorker(
        [queue_of(connection)],
        name=f"{socket.gethostname()}-{os.getpid()}-{os.urandom(3).hex()}",
        connection=connection,
        serializer=JSONSerializer,
        worker_ttl=WORKER_TTL_SECONDS,
        maintenance_interval=MAINTENANCE_SECONDS,
        log_job_description=False,
    )


if __name__ == "__main__":
    main()
