"""The worker's process: `python -m jobs.worker`.

Long-lived, on one queue, with the application built once. A process manager starts several, and
starts again what ends: a worker ends by itself after so many jobs or megabytes, when a handler
overran its time limit and could not be interrupted, and when its Redis hangs.
"""

from __future__ import annotations

import faulthandler
import os
import signal
import socket
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import redis
import structlog
from rq import SimpleWorker
from rq.job import Job
from rq.serializers import JSONSerializer

from jobs.recover import recover_events
from payments.app import create_app_or_exit
from payments.config import Settings
from payments.database import let_go_after_fork
from payments.extensions import settings
from payments.memory import MEGABYTE, resident_bytes
from payments.observability import metrics, tracing
from payments.parent_process import kernel_request
from payments.queueing import queue_of

# RQ's clean-up of abandoned jobs runs between two dequeues, and a dequeue waits for up to
# worker_ttl - 15 s. With these and the heartbeats, a dead worker's job is taken up again within
# two minutes.
WORKER_TTL_SECONDS = 60
MAINTENANCE_SECONDS = 30
# A job whose worker has not been heard of for so long counts as abandoned.
HEARTBEAT_TTL_SECONDS = 30
HEARTBEAT_SECONDS = 10
QUIET_SECONDS = 5
# A handler is first interrupted by an exception, which C code does not notice. Then by force.
WATCHDOG_GRACE_SECONDS = 10

log = structlog.get_logger(__name__)


class EventWorker(SimpleWorker):
    """RQ's SimpleWorker, with what a forked child per job would have given."""

    def __init__(self, *args: Any, max_memory_bytes: int, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._max_memory_bytes = max_memory_bytes
        self._running: tuple[Job, Any] | None = None
        self._ended = threading.Event()
        self._quiet_until = 0.0

    def work(self, *args: Any, **kwargs: Any) -> bool:
        heart = threading.Thread(target=self._beat, name="heartbeat", daemon=True)
        heart.start()
        try:
            return super().work(*args, **kwargs)
        finally:
            self._ended.set()
            heart.join()

    def perform_job(self, job: Job, queue: Any, execution: Any) -> bool:
        self._running = (job, execution)
        try:
            with watchdog(int(job.timeout or 0) + WATCHDOG_GRACE_SECONDS):
                return super().perform_job(job, queue, execution)
        finally:
            self._running = None
            self._retire_if_too_large()

    def request_force_stop(self, signum: Any, frame: Any) -> None:
        """A second signal does not cut the running job off: it has its time limit."""
        if self._running is None:
            super().request_force_stop(signum, frame)

    def heartbeat(self, timeout: int | None = None, pipeline: Any = None) -> None:
        """RQ says that it lives three times per job; every few seconds is enough."""
        if timeout is None and pipeline is None:
            if time.monotonic() < self._quiet_until:
                return
            self._quiet_until = time.monotonic() + QUIET_SECONDS
        super().heartbeat(timeout, pipeline)

    def get_heartbeat_ttl(self, job: Job, working_time: float = 0.0) -> int:
        """RQ's own is the job's time limit and a minute: too long for a dead worker's job."""
        return HEARTBEAT_TTL_SECONDS

    def _beat(self) -> None:
        """While a job runs, say so: SimpleWorker itself is silent meanwhile."""
        while not self._ended.wait(HEARTBEAT_SECONDS):
            if (running := self._running) is not None:
                try:
                    self.maintain_heartbeats(*running)
                except Exception as error:  # the thread lives as long as the process
                    log.warning("heartbeat failed", error=type(error).__name__)

    def _retire_if_too_large(self) -> None:
        """Ask ourselves to stop, as a process manager would, when memory has grown too large."""
        if (used := resident_bytes()) > self._max_memory_bytes:
            log.warning("worker retires", megabytes=used // MEGABYTE)
            signal.raise_signal(signal.SIGTERM)


@contextmanager
def watchdog(seconds: int) -> Iterator[None]:
    """End this process if the block takes longer; says where it hangs.

    A C thread of the interpreter does it, so that it works also where a C extension holds the
    interpreter's lock.
    """
    faulthandler.dump_traceback_later(seconds, exit=True, file=sys.__stderr__ or sys.stderr)
    try:
        yield
    finally:
        faulthandler.cancel_dump_traceback_later()


def build_worker(settings: Settings) -> EventWorker:
    """One queue only: with several, RQ's dequeue would not survive a crash."""
    connection = redis.Redis.from_url(settings.redis_url)
    return EventWorker(
        [queue_of(connection)],
        name=f"{socket.gethostname()}-{os.getpid()}-{os.urandom(3).hex()}",
        connection=connection,
        serializer=JSONSerializer,
        worker_ttl=WORKER_TTL_SECONDS,
        maintenance_interval=MAINTENANCE_SECONDS,
        log_job_description=False,
        max_memory_bytes=settings.worker_max_memory_mb * MEGABYTE,
    )


def tame_children() -> None:
    """RQ forks its scheduler from this process. It shall end with it, and hold nothing of it."""
    ask = kernel_request()
    os.register_at_fork(after_in_child=lambda: ask(signal.SIGTERM))
    let_go_after_fork()


def main() -> None:
    tame_children()
    with create_app_or_exit().app_context():
        metrics.share(settings().var_dir)
        try:
            recover_events(most_batches=1)
        except Exception as error:  # whatever is away now, recovery's schedule will find again
            log.warning("recovery at start failed", error=type(error).__name__)
        limit = settings().worker_max_jobs
        tracing.start(settings())
        try:
            build_worker(settings()).work(with_scheduler=True, max_jobs=limit)
        finally:
            tracing.stop()


if __name__ == "__main__":
    main()
