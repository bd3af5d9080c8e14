"""`make run` as a newcomer meets it: in a fresh copy of the project, with nothing configured.

What make itself does beforehand, the virtual environment, is left out: the interpreter of the tests
has everything (tests/unit/test_local_install.py covers that part).
"""

from __future__ import annotations

import http.client
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from tests.support.processes import processes_of
from tests.support.waiting import eventually

ROOT = Path(__file__).resolve().parents[3]
COPIED = ("payments", "jobs", "migrations", "examples", "wsgi.py", "Makefile")
READY_SECONDS = 60
STOP_SECONDS = 60
FLASK = [sys.executable, "-m", "flask", "--app", "wsgi"]
HANDLER = """
from payments.handlers.registry import handles

@handles("stripe", "payment_intent.succeeded")
def fulfil(event, session, effects):
    pass
"""
Start = Callable[..., "Running"]


def environment(**variables: str) -> dict[str, str]:
    """What a shell has, and nothing of the service's own."""
    kept = ("PATH", "HOME", "LANG", "TMPDIR")
    return {name: os.environ[name] for name in kept if name in os.environ} | variables


class Running:
    """`python -m payments.local.run` in a copy of the project, and everything that it printed."""

    def __init__(self, folder: Path, arguments: list[str], variables: dict[str, str]) -> None:
        self.folder = folder
        self.began = time.monotonic()
        self.process = subprocess.Popen(
            [sys.executable, "-m", "payments.local.run", *arguments],
            cwd=folder,
            env=environment(**variables),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        self.lines: list[str] = []
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        self.lines.extend(iter(self.process.stdout.readline, ""))

    @property
    def output(self) -> str:
        return "".join(self.lines)

    def banner(self, name: str) -> str:
        """What the banner says about `name`, once it is printed."""

        def find() -> str:
            assert self.process.poll() is None, self.output
            match = re.search(rf"^  {name}: +(\S.*)$", self.output, re.MULTILINE)
            return match[1] if match else ""

        return eventually(find, f"the banner's line {name}", READY_SECONDS)

    @property
    def port(self) -> int:
        port = urlsplit(self.banner("Address")).port
        assert port
        return port

    def get(self, path: str, **headers: str) -> tuple[int, Any]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        with closing(connection):
            connection.request("GET", path, headers=headers)
            answer = connection.getresponse()
            return answer.status, json.loads(answer.read())

    def events(self) -> list[dict[str, Any]]:
        token = self.banner("Admin token")
        status, events = self.get("/admin/events", Authorization=f"Bearer {token}")
        assert status == 200
        assert isinstance(events, list)
        return events

    def simulate(self) -> None:
        command = [*FLASK, "simulate", "stripe", "payment_intent.succeeded"]
        done = subprocess.run(
            command, cwd=self.folder, env=environment(), capture_output=True, text=True
        )
        assert done.returncode == 0, done.stdout + done.stderr

    def find(self, *words: str) -> set[int]:
        """The service's own processes with `words` in their command line; no keepers."""
        return {
            process
            for process, command in processes_of(self.folder).items()
            if "payments.local.keep" not in command and all(word in command for word in words)
        }

    def stop(self, number: signal.Signals = signal.SIGINT) -> int:
        """As a terminal does: the signal goes to the whole foreground group."""
        os.killpg(self.process.pid, number)
        code = self.process.wait(STOP_SECONDS)
        self._reader.join(STOP_SECONDS)
        return code

    def end(self) -> None:
        """Whatever a failed test left behind."""
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        eventually(lambda: not processes_of(self.folder), "the end of everything", STOP_SECONDS)
        self._reader.join(STOP_SECONDS)
        if self.process.stdout:
            self.process.stdout.close()


def make_copy(folder: Path) -> Path:
    ignored = shutil.ignore_patterns("__pycache__")
    folder.mkdir()
    for name in COPIED:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, folder / name, ignore=ignored)
        elif source.exists():
            shutil.copy(source, folder)
    (folder / "a_handler.py").write_text(HANDLER)
    return folder


def start_in(folder: Path, *arguments: str, **variables: str) -> Running:
    variables = {"PAYMENTS_HANDLERS": "a_handler", **variables}
    return Running(folder, list(arguments), variables)


def is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
            probe.listen()
        except OSError:
            return False
        return True


def assert_nothing_is_left(running: Running, port: int) -> None:
    assert processes_of(running.folder) == {}
    assert is_free(port)
    var = running.folder / "var"
    assert not (var / "address").exists()
    assert not list(var.rglob("*.sock"))
