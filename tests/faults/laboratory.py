"""One application, operations on it in forked children, and time that can be made to pass."""

from __future__ import annotations

import contextlib
import gc
import os
import pickle
import random
import signal
import time
import traceback
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import redis
from sqlalchemy import Engine, create_engine, delete, text
from sqlalchemy.exc import OperationalError

from jobs.recover import recover_events
from jobs.worker import build_worker
from payments.app import create_app
from payments.attempts import Processor
from payments.extensions import Base, db
from payments.handlers import registry
from payments.processing import process
from payments.queueing import job_queue
from tests.faults import handlers
from tests.faults.events import SentEvent, make_event
from tests.faults.evidence import FAILED_JOBS, Operation, collect, failed_events
from tests.faults.invariants import DISCARD, END_STATES, REPLAY, RETRY, Violation, violations
from tests.faults.journal import Accepted, Key
from tests.faults.steps import Steps
from tests.support.application import BASE_ENVIRONMENT, Application, settings_for
from tests.support.deliveries import demo_headers, stripe_headers

FAILED = 71
HOUR = "1 hour"
QUEUE = "payments"
REASON = "as a test"
COMMANDS = {
    "retry": ("dlq", "retry", "--json", "--reason", REASON),
    "discard": ("dlq", "discard", "--json", "--reason", REASON),
    "replay": ("events", "replay", "--json", "--reason", REASON),
}
ACTIONS = {"retry": RETRY, "discard": DISCARD, "replay": REPLAY}


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
    """What may be hit is done in a child, which must not inherit a connection: so whatever this
    process does itself, it hangs up afterwards."""

    def __init__(self, database_url: str, redis_url: str, folder: Path, **variables: str) -> None:
        self.folder = folder
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
        self._registered = list(registry._registrations)
        self.engine = checker_engine(database_url)
        self.redis = redis.Redis.from_url(redis_url)
        self.accepted: dict[Key, Accepted] = {}
        self.operations: list[Operation] = []
        self._numbers = iter(range(10**6))
        handlers.EFFECTS.create(self.engine, checkfirst=True)
        self.use()

    def use(self) -> None:
        """Its handlers are those of this process, and write to its folder."""
        os.environ[handlers.FOLDER] = str(self.folder)
        handlers.register()

    def warm_up(self) -> None:
        """Do everything once, so that the children find their modules and statements prepared."""
        with self._at_home():
            for kind in ("outside", "refused"):
                self._post(self.event(kind))
            for id in (1, 2):
                process(id, Processor.of(self.settings, "warm-up"))
            recover_events()
            for command in ("replay 1", "retry 2", "discard 1", "discard 2"):
                self._flask(*COMMANDS[command.split()[0]], command.split()[1])
        self.empty()

    def empty(self) -> None:
        """As it was at the start."""
        tables = [*Base.metadata.sorted_tables, handlers.EFFECTS]
        with self.engine.begin() as connection:
            for table in reversed(tables):
                connection.execute(delete(table))
            if connection.dialect.name == "postgresql":
                names = ", ".join(table.name for table in tables)
                connection.execute(text(f"TRUNCATE {names} RESTART IDENTITY CASCADE"))
        self.redis.flushall()
        self.accepted.clear()
        self.operations.clear()
        (self.folder / handlers.OUTSIDE_FILE).unlink(missing_ok=True)

    def close(self) -> None:
        handlers.EFFECTS.drop(self.engine)
        self.engine.dispose()
        self.redis.close()
        self.application.close()
        registry._registrations[:] = self._registered
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
        # It would look at every object of the test's process, and so copy its memory.
        gc.disable()
        code = FAILED
        try:
            with self.application.app.app_context():
                # The parent's connections are the parent's.
                db.engine.dispose(close=False)
                job_queue().connection.connection_pool.reset()
                steps = Steps(at or 10**9, action)
                if at:
                    steps.watch_database(db.engine)
                    steps.watch_outside()
                    if action != "stop":  # which would take long, and only what is kept matters
                        steps.watch_redis()
                result: object = None
                try:
                    result = work()
                except Exception as error:  # a broken connection ends a worker's job so
                    result = f"{type(error).__name__}: {error}"
                steps.end()
                with os.fdopen(writer, "wb") as pipe:
                    pickle.dump((steps.names, steps.taken, result), pipe)
                code = 0
        except BaseException:
            traceback.print_exc()
        finally:
            os._exit(code)

    def deliver(self, event: SentEvent, at: int = 0, action: str = "kill") -> Ended:
        """A delivery; where it is answered with a 2xx, the event counts as accepted."""
        if at:
            ended = self.child(lambda: self._post(event), at, action)
        else:
            with self._at_home():
                ended = Ended(0, False, "-", self._post(event))
        if ended.result == 200:
            self.accepted[event.key] = Accepted(*event.key, event.kind, event.sha256, time.time())
        return ended

    def _post(self, event: SentEvent) -> int:
        sign = stripe_headers if event.provider == "stripe" else demo_headers
        return self.application.client.post(
            f"/webhooks/{event.provider}", data=event.body, headers=sign(event.body)
        ).status_code

    @contextlib.contextmanager
    def _at_home(self) -> Iterator[None]:
        """Something that is not hit, in this process."""
        with self.application.app.app_context():
            yield
            db.engine.dispose()
            job_queue().connection.connection_pool.disconnect()

    def work(self, at: int = 0, action: str = "kill") -> Ended:
        """A real RQ worker does what waits in the queue, and ends."""
        return self.child(self._work, at, action, self.others_go_on)

    def operate(self, command: str, id: int, at: int = 0, action: str = "kill") -> Ended:
        """An operator's command for one event. That it was done is noted: the command says so, or,
        where it was hit, the event has changed."""
        before = self.status_of(id)
        ended = self.child(lambda: self._flask(*COMMANDS[command], str(id)), at, action)
        done = self.status_of(id) != before if ended.hit else ended.result == 0
        if done:
            self.operations.append(Operation(ACTIONS[command], id, REASON))
        return ended

    def recover(self, at: int = 0, action: str = "kill") -> Ended:
        return self.child(recover_events, at, action)

    def dump_redis(self) -> dict[bytes, bytes]:
        return {key: self.redis.dump(key) for key in self.redis.scan_iter()}

    def restore_redis(self, saved: dict[bytes, bytes], without: int) -> None:
        """Redis is as it was, and the failed jobs of one event are lost."""
        self.redis.flushall()
        for key, value in saved.items():
            self.redis.restore(key, 0, value)
        for member in self.redis.zrange(FAILED_JOBS, 0, -1):
            if member.startswith(b"event-%d-" % without):
                self.redis.zrem(FAILED_JOBS, member)

    def status_of(self, id: int) -> str:
        with self.engine.connect() as connection:
            query = text("SELECT status FROM events WHERE id = :id")
            return str(connection.execute(query, {"id": id}).scalar_one())

    def id_of(self, event: SentEvent) -> int:
        with self.engine.connect() as connection:
            query = text("SELECT id FROM events WHERE event_id = :event_id")
            return int(connection.execute(query, {"event_id": event.event_id}).scalar_one())

    def _flask(self, *arguments: str) -> int:
        runner = self.application.app.test_cli_runner()
        return int(runner.invoke(args=list(arguments)).exit_code)

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
                ("audit_log", "at"),
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
            if not self.redis.llen(f"rq:queue:{QUEUE}"):
                self.pass_time()
            self.child(self._recover_and_work)

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
        evidence = collect(
            self.engine, self.redis, self.accepted, outside, operations=self.operations
        )
        return violations(evidence)

    def _earlier(self, table: str, column: str) -> str:
        if self.engine.dialect.name == "sqlite":
            moved = f"strftime('%Y-%m-%d %H:%M:%f000', {column}, '-{HOUR}')"
        else:
            moved = f"{column} - interval '{HOUR}'"
        return f"UPDATE {table} SET {column} = {moved}"  # noqa: S608
