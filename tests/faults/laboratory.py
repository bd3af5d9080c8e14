"""One application, operations on it in forked children, and time that can be made to pass."""

from __future__ import annotations

import contextlib
import os
import pickle
import random
import signal
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import redis
from sqlalchemy import Engine, create_engine, text
from sqlalchemy.exc import OperationalError

from jobs.recover import recover_events
from jobs.worker import build_worker
from payments.app import create_app
from payments.extensions import db
from payments.queueing import job_queue
from tests.faults import handlers
from tests.faults.events import SentEvent, make_event
from tests.faults.evidence import collect, failed_events
from tests.faults.invariants import END_STATES, Violation, violations
from tests.faults.journal import Accepted, Key
from tests.faults.steps import Steps
from tests.support.application import BASE_ENVIRONMENT, Application, settings_for
from tests.support.deliveries import demo_headers, stripe_headers

FAILED = 71
HOUR = "1 hour"
QUEUE = "payments"


@dataclass(frozen=True)
class Ended:
    """How a child ended: its exit code, the boundary it was hit at, and what it returned."""

    code: int
    hit: bool
    step: str
    result: object


def checker_engine(database_url: str) -> Engine:
    """Waits for a lock only for a moment: its holder may stand still."""
    if database_url.startswith("sqlite"):
        return create_engine(database_url, connect_args={"timeout": 0.3})
    return create_engine(
        database_url.replace("postgresql://", "postgresql+psycopg://"),
        connect_args={"options": "-c lock_timeout=300"},
    )


class Laboratory:
    """Nothing in it talks to the database or to Redis in the test's own process but the checker."""

    def __init__(self, database_url: str, redis_url: str, folder: Path, **variables: str) -> None:
        self.folder = folder
        os.environ[handlers.FOLDER] = str(folder)
        environment = {
            **BASE_ENVIRONMENT,
            "DATABASE_URL": database_url,
            "REDIS_URL": redis_url,
            "VAR_DIR": str(folder / "var"),
            "LOG_LEVEL": "ERROR",
            "RETRY_BASE_SECONDS": "0.001",
            "RETRY_CAP_SECONDS": "0.001",
            **variables,
        }
        self.settings = settings_for(**environment)
        self.application = Application(create_app(self.settings))
        handlers.register()
        self.engine = checker_engine(database_url)
        self.redis = redis.Redis.from_url(redis_url)
        self.accepted: dict[Key, Accepted] = {}
        self._numbers = iter(range(10**6))
        handlers.EFFECTS.create(self.engine, checkfirst=True)

    def close(self) -> None:
        handlers.EFFECTS.drop(self.engine)
        self.engine.dispose()
        self.redis.close()
        self.application.close()
        del os.environ[handlers.FOLDER]

    def event(self, kind: str, seed: int = 0) -> SentEvent:
        return make_event(next(self._numbers), random.Random(seed), f"{os.getpid():x}x", kind)

    def child(
        self,
        work: Callable[[], object],
        at: int = 0,
        action: str = "kill",
        meanwhile: Callable[[], object] | None = None,
    ) -> Ended:
        """Do `work` in a child process, hit at boundary `at` where that is not 0.

        `meanwhile` is done while the child stands still.
        """
        self.engine.dispose()
        self.redis.connection_pool.disconnect()
        reader, writer = os.pipe()
        pid = os.fork()
        if not pid:
            self._in_child(work, at, action, reader, writer)
        os.close(writer)
        _pid, status = os.waitpid(pid, os.WUNTRACED)
        if os.WIFSTOPPED(status):
            if meanwhile is not None:
                meanwhile()
            os.kill(pid, signal.SIGCONT)
            _pid, status = os.waitpid(pid, 0)
        with os.fdopen(reader, "rb") as pipe:
            said = pipe.read()
        code = os.waitstatus_to_exitcode(status)
        names, taken, result = pickle.loads(said) if said else ([], at, None)  # noqa: S301
        return Ended(code, bool(at) and taken >= at, names[-1] if names else "-", result)

    def _in_child(
        self, work: Callable[[], object], at: int, action: str, reader: int, writer: int
    ) -> None:
        """Never returns: what the test's process would do at its end is not the child's to do."""
        os.close(reader)
        code = FAILED
        try:
            with self.application.app.app_context():
                # The parent's connections are the parent's.
                db.engine.dispose(close=False)
                job_queue().connection.connection_pool.reset()
                steps = Steps(at or 10**9, action)
                if at:
                    steps.watch_database(db.engine)
                    if action != "stop":  # which would take long, and only what is kept matters
                        steps.watch_redis()
                result: object = None
                try:
                    result = work()
                except Exception as error:  # a broken connection ends a worker's job so
                    result = f"{type(error).__name__}: {error}"
                with os.fdopen(writer, "wb") as pipe:
                    pickle.dump((steps.names, steps.taken, result), pipe)
                code = 0
        except BaseException:
            traceback.print_exc()
        finally:
            os._exit(code)

    def deliver(self, event: SentEvent, at: int = 0, action: str = "kill") -> Ended:
        """A delivery; where it is answered with a 2xx, the event counts as accepted."""

        def post() -> int:
            sign = stripe_headers if event.provider == "stripe" else demo_headers
            return self.application.client.post(
                f"/webhooks/{event.provider}", data=event.body, headers=sign(event.body)
            ).status_code

        ended = self.child(post, at, action)
        if ended.result == 200:
            self.accepted[event.key] = Accepted(*event.key, event.kind, event.sha256, time.time())
        return ended

    def work(self, at: int = 0, action: str = "kill") -> Ended:
        """A real RQ worker does what waits in the queue, and ends."""
        return self.child(self._work, at, action, self.others_go_on)

    def others_go_on(self) -> None:
        """An hour passes, and another worker finds what this one has left."""
        with contextlib.suppress(OperationalError):  # it holds the lock that they would need
            self.pass_time()
        self.child(self._recover_and_work)

    def _work(self) -> None:
        self._move_due_retries()
        worker = build_worker(self.settings)
        # It would wait a second for its listener to end.
        worker.unsubscribe = lambda: None  # type: ignore[method-assign]
        worker.log.setLevel("CRITICAL")
        worker.work(burst=True, logging_level="CRITICAL")

    def _move_due_retries(self) -> None:
        """RQ's scheduler child does this elsewhere, once a second."""
        queue = job_queue().queue
        registry = queue.scheduled_job_registry
        for id in registry.get_jobs_to_schedule():
            registry.remove(id)
            if (job := queue.fetch_job(id)) is not None:
                queue.enqueue_job(job)

    def _recover_and_work(self) -> None:
        recover_events()
        self._work()

    def pass_time(self) -> None:
        """An hour later: leases and heartbeats have ended, and retries are due."""
        with self.engine.begin() as connection:
            for table, column in (
                ("events", "next_attempt_at"),
                ("attempts", "started_at"),
            ):
                connection.execute(text(self._earlier(table, column)))
        for key in (f"rq:wip:{QUEUE}", f"rq:scheduled:{QUEUE}"):
            for member in self.redis.zrange(key, 0, -1):
                self.redis.zadd(key, {member: 1})

    def settle(self, rounds: int = 8) -> None:
        """Recovery and workers, as time passes, until there is nothing left for them to do."""
        for _ in range(rounds):
            if self.is_settled():
                return
            self.child(self._recover_and_work)
            if not self.is_settled():
                self.pass_time()

    def is_settled(self) -> bool:
        """Every event has ended, and Redis mirrors the dead ones."""
        with self.engine.connect() as connection:
            statuses = dict(connection.execute(text("SELECT id, status FROM events")).all())
        dead = {id for id, status in statuses.items() if status == "dead"}
        ended = set(statuses.values()) <= set(END_STATES)
        return ended and failed_events(self.redis) == dead

    def violations(self) -> list[Violation]:
        file = self.folder / handlers.OUTSIDE_FILE
        outside = file.read_text().splitlines() if file.exists() else []
        return violations(collect(self.engine, self.redis, self.accepted, outside))

    def _earlier(self, table: str, column: str) -> str:
        if self.engine.dialect.name == "sqlite":
            moved = f"strftime('%Y-%m-%d %H:%M:%f000', {column}, '-{HOUR}')"
        else:
            moved = f"{column} - interval '{HOUR}'"
        return f"UPDATE {table} SET {column} = {moved}"  # noqa: S608
