"""A copy of the project as a newcomer has it, with nothing configured, and `make run` in it.

What make itself does beforehand, the virtual environment, is left out.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from dotenv import dotenv_values

from tests.support.operator import Operator
from tests.support.service import KEPT, ROOT
from tests.support.waiting import eventually

COPIED = ("payments", "jobs", "migrations", "examples", "wsgi.py", "openapi.json")
READY_SECONDS = 60
STOP_SECONDS = 60


class Project:
    """The copy in `folder`, and the commands of a person who sits in front of it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.env_file = folder / ".env"
        self.var_dir = folder / "var"
        folder.mkdir(parents=True)
        for name in COPIED:
            if (source := ROOT / name).is_dir():
                ignored = shutil.ignore_patterns("__pycache__")
                shutil.copytree(source, folder / name, ignore=ignored)
            else:
                shutil.copy(source, folder)

    def run(
        self, *command: str, cwd: Path | None = None, **variables: str
    ) -> subprocess.CompletedProcess[str]:
        """The command, ended, with what it printed; these `variables` are set beside a shell's."""
        return subprocess.run(
            command,
            cwd=cwd or self.folder,
            env=_environment(**variables),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=60,
        )

    def flask(self, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
        command = (sys.executable, "-m", "flask", "--app", "wsgi", *arguments)
        return self.run(*command, cwd=self.folder, **variables)

    @contextlib.contextmanager
    def running(self, **variables: str) -> Iterator[Operator]:
        """What `make run` starts, until the end of the block; then Ctrl-C."""
        with (self.folder / "output").open("wb") as output:
            process = subprocess.Popen(
                [sys.executable, "-m", "payments.local.run"],
                cwd=self.folder,
                env=_environment(**variables),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )
        try:

            def address() -> str:
                assert process.poll() is None, self.output
                file = self.var_dir / "address"
                return file.read_text().strip() if file.exists() else ""

            url = eventually(address, "the service says where it is", READY_SECONDS)
            yield Operator(url, self.secret("ADMIN_TOKEN"))
        finally:
            process.send_signal(signal.SIGINT)
            try:
                process.wait(STOP_SECONDS)
            finally:
                process.kill()

    @property
    def output(self) -> str:
        """What `make run` has printed so far."""
        return (self.folder / "output").read_text(errors="replace")

    def secret(self, name: str) -> str:
        """What `make run` wrote into .env under `name`."""
        return dotenv_values(self.env_file)[name] or ""


def _environment(**variables: str) -> dict[str, str]:
    return {name: os.environ[name] for name in KEPT if name in os.environ} | variables
