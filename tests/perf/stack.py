"""Everything the benchmark runs on: PostgreSQL, valkey and the service's processes, on loopback.

In a folder of its own under the system's temporary one; nothing of it is left afterwards.
"""

from __future__ import annotations

import contextlib
import shutil
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psycopg
from psycopg import sql
from sqlalchemy import create_engine

from tests.perf import handlers
from tests.perf.errors import WrongResult
from tests.support.servers import Valkey, make_database, postgresql
from tests.support.service import WEB, Service

SERVICE = "service"
BARE = "bare"
# The service with METRICS_ENABLED=0.
UNMEASURED = "unmeasured"
# The same for the service, the bare route and the direct INSERTs.
WEB_PROCESSES = 2
WEB_THREADS = 16
TABLES = ("events", "event_payloads", "attempts", "perf_orders")
# What PostgreSQL has by default, and what makes a commit durable.
DURABLE = ("fsync", "synchronous_commit", "full_page_writes")
# As in production, where the tests' settings differ.
VARIABLES = {
    "APP_ENV": "prod",
    "LOG_LEVEL": "INFO",
    "SESSION_SECRET": "5c90e1f7ab3824d6605f",
    "PAYMENTS_PROVIDERS": "stripe",
    "PAYMENTS_HANDLERS": handlers.__name__,
    "RETRY_BASE_SECONDS": "2",
    "RETRY_CAP_SECONDS": "3600",
    "WEB_CONCURRENCY": str(WEB_PROCESSES),
    "WEB_THREADS": str(WEB_THREADS),
}


class Bare(Service):
    """The bare route, under the same gunicorn configuration and in the same environment."""

    def start(self, name: str) -> None:
        arguments = ["gunicorn", "--config", "python:payments.web.server"]
        arguments += ["--bind", f"127.0.0.1:{self.port}", "tests.perf.bare:app"]
        self.processes[name] = self._popen(name, *arguments)


@dataclass(frozen=True)
class Web:
    """A running gunicorn; `process` is its first process, `seconds_to_health` its start."""

    port: int
    process: int
    seconds_to_health: float


class Stack:
    """The servers, and the ways to start the service's processes on them."""

    def __init__(self, folder: Path, database_url: str, valkey: Valkey) -> None:
        self.folder = folder
        self.database_url = database_url
        self.valkey = valkey
        self.database = psycopg.connect(database_url, autocommit=True)

    @contextlib.contextmanager
    def web(self, name: str) -> Iterator[Web]:
        """gunicorn with the service or the bare route, ready to be asked."""
        service = self._service(name)
        started = time.monotonic()
        try:
            service.start(WEB)
            service.wait_until_healthy()
            seconds = time.monotonic() - started
            yield Web(service.port, service.processes[WEB].pid, seconds)
        finally:
            service.stop()

    @contextlib.contextmanager
    def workers(self, count: int) -> Iterator[Service]:
        service = self._service("workers")
        try:
            for number in range(1, count + 1):
                service.start(f"worker.{number}")
            yield service
        finally:
            service.stop()

    def clear(self) -> None:
        """Empty tables, an empty queue, and no checkpoint that the next one would pay for."""
        names = sql.SQL(", ").join(map(sql.Identifier, TABLES))
        self.database.execute(sql.SQL("TRUNCATE {} RESTART IDENTITY CASCADE").format(names))
        self.database.execute("CHECKPOINT")
        self.valkey.client.flushall()

    def count(self, table: str) -> int:
        statement = sql.SQL("SELECT count(*) FROM {}").format(sql.Identifier(table))
        row = self.database.execute(statement).fetchone()
        return int(row[0]) if row else 0

    def require_durable(self) -> None:
        for name in DURABLE:
            row = self.database.execute("SELECT current_setting(%s)", (name,)).fetchone()
            if row != ("on",):
                raise WrongResult(f"PostgreSQL's {name} is not on, but {row}")

    def prepare(self) -> None:
        """Migrate, and make the table of the benchmark's handler."""
        self._service("migrations").migrate()
        engine = create_engine(self.database_url.replace("postgresql://", "postgresql+psycopg://"))
        handlers.ORDERS.create(engine)
        engine.dispose()

    def _service(self, name: str) -> Service:
        kind = Bare if name == BARE else Service
        variables = {**VARIABLES, "METRICS_ENABLED": "0" if name == UNMEASURED else "1"}
        return kind(self.folder / name, self.database_url, self.valkey.url, **variables)


@contextlib.contextmanager
def stack() -> Iterator[Stack]:
    """Bring the servers up with an empty, migrated database; take everything down afterwards."""
    folder = Path(tempfile.mkdtemp(prefix="payments-perf-"))
    with contextlib.ExitStack() as undo:
        undo.callback(shutil.rmtree, folder, ignore_errors=True)
        server_url = undo.enter_context(postgresql(folder / "postgresql"))
        valkey = Valkey()
        undo.callback(valkey.close)
        valkey.start()
        running = Stack(folder, make_database(server_url, "payments_perf"), valkey)
        undo.callback(running.database.close)
        running.require_durable()
        running.prepare()
        yield running
