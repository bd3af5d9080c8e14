"""The whole service as its users run it: real processes on a loopback port, started and killed.

with Service(folder, database_url, redis_url).started(workers=2, scheduler=True) as service:
    service.kill("worker.1")
    service.start("worker.1")
"""

from __future__ import annotations

import contextlib
import http.client
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from tests.support.application import BASE_ENVIRONMENT, NEVER_READ
from tests.support.databases import migrate
from tests.support.leaks import check_logs
from tests.support.servers import free_port
from tests.support.waiting import eventually

ROOT = Path(__file__).resolve().parents[2]
WEB = "web"
SCHEDULER = "scheduler"
START_SECONDS = 30
STOP_SECONDS = 30
# What a shell has; everything else is named, so that a developer's own variables change nothing.
KEPT = ("PATH", "HOME", "LANG", "TMPDIR")


@dataclass(frozen=True)
class Answer:
    """One HTTP response, read to its end. Header names are in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class Service:
    """Web, workers and scheduler on one database and one Redis, each with a log of its own.

    Processes go by name: "web", "worker.1", "worker.2", …, "scheduler".
    """

    def __init__(self, folder: Path, database_url: str, redis_url: str, **variables: str) -> None:
        """`variables` are added to, or replace, those that the tests' applications have."""
        self.folder = folder
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.environment = {
            **{name: os.environ[name] for name in KEPT if name in os.environ},
            **BASE_ENVIRONMENT,
            "DATABASE_URL": database_url,
            "REDIS_URL": redis_url,
            "VAR_DIR": str(folder / "var"),
            "ENV_FILE": str(NEVER_READ),
            "FLASK_SKIP_DOTENV": "1",
            "PYTHONUNBUFFERED": "1",
            **variables,
        }
        self.processes: dict[str, subprocess.Popen[bytes]] = {}

    @contextlib.contextmanager
    def started(self, *, workers: int = 0, scheduler: bool = False) -> Iterator[Service]:
        """Migrated, answering, and stopped at the end; then its logs are looked through."""
        migrate(self.environment["DATABASE_URL"], Path(self.environment["VAR_DIR"]))
        names = [WEB, *(f"worker.{n}" for n in range(1, workers + 1))]
        try:
            for name in [*names, SCHEDULER] if scheduler else names:
                self.start(name)
            self.wait_until_healthy()
            yield self
        finally:
            self.stop()
        check_logs(self.folder)

    def migrate(self) -> None:
        """By the command of a deployment."""
        done = self._popen("migrations", "flask", "--app", "wsgi", "db", "upgrade")
        assert done.wait(START_SECONDS) == 0, self.log("migrations")

    def start(self, name: str) -> None:
        """Start the process `name`; its log goes on where it ended."""
        assert not self.is_running(name), f"{name} runs already"
        arguments = {
            WEB: (
                "gunicorn",
                *("--config", "python:payments.web.server"),
                *("--bind", f"127.0.0.1:{self.port}"),
                "wsgi:app",
            ),
            SCHEDULER: ("jobs.schedule",),
        }
        self.processes[name] = self._popen(name, *arguments.get(name, ("jobs.worker",)))

    def send(self, name: str, number: signal.Signals) -> None:
        """Send a signal to the process alone, not to its children."""
        self.processes[name].send_signal(number)

    def kill(self, name: str) -> None:
        """End the process and its children as a power cut would: no goodbye."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.processes[name].pid, signal.SIGKILL)
        self.processes[name].wait()

    def terminate(self, name: str, seconds: float = STOP_SECONDS) -> int:
        """Ask the process to end, as a deployment does; returns its exit code."""
        self.processes[name].terminate()
        return self.processes[name].wait(seconds)

    def restart(self, name: str, number: signal.Signals = signal.SIGKILL) -> None:
        """End the process by this signal, and start it again."""
        if number == signal.SIGKILL:
            self.kill(name)
        else:
            self.send(name, number)
            self.processes[name].wait(STOP_SECONDS)
        self.start(name)

    def stop(self) -> None:
        """End all that still runs: politely, and after a while not."""
        for process in self.processes.values():
            process.terminate()
        for name, process in self.processes.items():
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(STOP_SECONDS)
            self.kill(name)
        self.processes.clear()

    def is_running(self, name: str) -> bool:
        return name in self.processes and self.processes[name].poll() is None

    def is_healthy(self) -> bool:
        assert self.is_running(WEB), f"web has ended:\n{self.log(WEB)}"
        try:
            return self.request("GET", "/health", seconds=2).status == 200
        except (OSError, http.client.HTTPException):
            return False

    def wait_until_healthy(self, seconds: float = START_SECONDS) -> None:
        eventually(self.is_healthy, "the service answers", seconds)

    def request(
        self,
        method: str,
        path: str,
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        seconds: float = 10,
    ) -> Answer:
        """One request on a connection of its own.

        Raises:
            OSError, http.client.HTTPException: it was not answered, or not within `seconds`.
        """
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=seconds)
        with contextlib.closing(connection):
            connection.request(method, path, body, dict(headers or {}))
            response = connection.getresponse()
            named = {name.lower(): value for name, value in response.getheaders()}
            return Answer(response.status, named, response.read())

    def log(self, name: str) -> str:
        """Everything that the process has printed so far."""
        file = self.folder / f"{name}.log"
        return file.read_text(errors="replace") if file.exists() else ""

    def _popen(self, name: str, *arguments: str) -> subprocess.Popen[bytes]:
        self.folder.mkdir(parents=True, exist_ok=True)
        with (self.folder / f"{name}.log").open("ab") as log:
            return subprocess.Popen(
                [sys.executable, "-m", *arguments],
                cwd=ROOT,
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                # A group of its own, so that a kill reaches gunicorn's workers as well.
                start_new_session=True,
            )
