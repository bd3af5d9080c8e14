"""One application, operations on it in forked children, and time that can be made to pass."""

from __future__ import annotations

import contextlib
import os
import random
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import redis
from sqlalchemy import Engine, create_engine, text
from sqlalchemy.exc import OperationalError

from jobs.recover import recover_events
from jobs.worker import build_worker
from payments.app import create_app
from payments.attempts import Processor
from payments.extensions import db
from payments.handlers import registry
from payments.processing import process
from payments.queueing import job_queue
from tests.faults import handlers
from tests.faults.children import Ended, Work, in_child
from tests.faults.contents import Contents, empty
from tests.faults.events import SentEvent, make_event
from tests.faults.evidence import FAILED_JOBS, Operation, collect, failed_events
from tests.faults.invariants import DISCARD, END_STATES, REPLAY, RETRY, Violation, violations
from tests.faults.journal import Accepted, Key
from tests.support.application import BASE_ENVIRONMENT, Application, settings_for
from tests.support.deliveries import demo_headers, stripe_headers

HOUR = "1 hour"
QUEUE = "payments"
REASON = "as a test"
COMMANDS = {
    "retry": ("dlq", "retry", "--json", "--reason", REASON),
    "discard": ("dlq", "discard", "--json", "--reason", REASON),
    "replay": ("events", "replay", "--json", "--reason", REASON),
}
ACTIONS = {"retry": RETRY, "discard": DISCARD, "replay": REPLAY}


def checker_engine(database_url: str) -> Engine:
    """Waits for a lock only for a moment: its holder may stand still."""
    if database_url.startswith("sqlite"):
        return create_engine(database_url, connect_args={"timeout": 0.3})
    return create_engine(
        database_url.replace("postgresql://", "postgresql+psycopg://"),
        connect_args={"options": "-c lock_timeout=300"},
    )


@dataclass(frozen=True)
class Saved:
    """A moment of a laboratory that many operations can begin with."""

    contents: Contents
    accepted: dict[Key, Accepted]
    operations: list[Operation]
    outside: bytes


def _nap(_seconds: float, sleep: Callable[[float], None] = time.sleep) -> None:
    sleep(0.005)


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
        self._outside_file = folder / handlers.OUTSIDE_FILE
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
        empty(self.engine, self.redis)
        self.accepted.clear()
        self.operations.clear()
        self._outside_file.unlink(missing_ok=True)

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
        work: Work,
        at: int = 0,
        action: str = "kill",
        meanwhile: Work | None = None,
    ) -> Ended:
        """Do `work` in a child process, hit at boundary `at` where that is not 0.

        `meanwhile` is done while the child stands still.
        """
        self.engine.dispose()
        self.redis.connection_pool.disconnect()
        return in_child(self.application.app, work, at, action, meanwhile)

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

    def save(self) -> Saved:
        outside = self._outside_file.read_bytes() if self._outside_file.exists() else b""
        contents = Contents.of(self.engine, self.redis)
        return Saved(contents, dict(self.accepted), list(self.operations), outside)

    def restore(self, saved: Saved) -> None:
        """As it was when it was saved."""
        saved.contents.put_back(self.engine, self.redis)
        self.accepted, self.operations = dict(saved.accepted), list(saved.operations)
        self._outside_file.write_bytes(saved.outside)

    def lose_failed_job(self, id: int) -> None:
        for member in self.redis.zrange(FAILED_JOBS, 0, -1):
            if member.startswith(b"event-%d-" % id):
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
        # And another before it turns to a Redis that it could not reach. The process is a child's.
        time.sleep = _nap
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
        file = self._outside_file
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
