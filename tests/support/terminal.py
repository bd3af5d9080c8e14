"""The command line as a process of its own, at a terminal or without one."""

from __future__ import annotations

import os
import pty
import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from tests.support.service import ROOT, Service
from tests.support.waiting import eventually

COMMAND_SECONDS = 60


@dataclass(frozen=True)
class Ended:
    """How a command ended, and what it has said."""

    code: int
    stdout: str
    stderr: str


class Command:
    """`flask --app wsgi …`, started; its stdin is a terminal that the test types at.

    stdout and stderr go into files, so that a command never waits for its reader.
    """

    def __init__(self, folder: Path, database_url: str, redis_url: str, *arguments: str) -> None:
        self._stdout, self._stderr = folder / "command.stdout", folder / "command.stderr"
        self._terminal, stdin = pty.openpty()
        with self._stdout.open("wb") as stdout, self._stderr.open("wb") as stderr:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "flask", "--app", "wsgi", *arguments],
                cwd=ROOT,
                env=Service(folder, database_url, redis_url).environment,
                stdin=stdin,
                stdout=stdout,
                stderr=stderr,
                start_new_session=True,
            )
        os.close(stdin)

    @property
    def stderr(self) -> str:
        return self._stderr.read_text()

    def wait_for(self, said: str) -> None:
        """Until it has said so to the person at the terminal."""
        eventually(lambda: said in self.stderr or self.has_ended, f"the command says {said!r}")
        assert said in self.stderr, (self.stderr, self._stdout.read_text())

    def type(self, text: str) -> None:
        os.write(self._terminal, text.encode())

    def interrupt(self) -> None:
        """As Ctrl-C does."""
        self._process.send_signal(signal.SIGINT)

    def end(self) -> Ended:
        """Wait until it ends."""
        try:
            code = self._process.wait(COMMAND_SECONDS)
        finally:
            self._process.kill()
            self._process.wait()
            os.close(self._terminal)
        return Ended(code, self._stdout.read_text(), self.stderr)

    @property
    def has_ended(self) -> bool:
        return self._process.poll() is not None
