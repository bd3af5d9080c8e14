"""A copy of the project that is run as README.md says: `make pm2-start` and its like."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections import Counter
from pathlib import Path
from typing import Any

import psycopg

from tests.support.deliveries import ADMIN_TOKEN, STRIPE_SECRET
from tests.support.project import Project
from tests.support.servers import free_port
from tests.support.service import KEPT, ROOT

COPIED = ("Makefile", "ecosystem.config.js", "requirements.txt", "requirements-dev.txt")
SHOP = '''
import pathlib, time
from payments.handlers import handles

@handles("stripe", "slow")
def slow(event, session, effects):
    """A job that a careless stop would cut off."""
    with open(pathlib.Path(__file__).with_name("began"), "a") as file:
        file.write(event.event_id + "\\n")
    time.sleep(1)

@handles("stripe", "quick")
def quick(event, session, effects):
    pass
'''


class PM2Project:
    """The copy, with a PM2 of its own: another daemon than that of whoever runs the tests."""

    def __init__(self, folder: Path, pm2_home: Path, pm2: Path, database: str) -> None:
        self.project = Project(folder)
        self.folder, self.pm2, self.database = folder, pm2, database
        self.port = free_port()
        for name in COPIED:
            shutil.copy(ROOT / name, folder)
        (folder / ".venv").symlink_to(ROOT / ".venv")
        (folder / "shop.py").write_text(SHOP)
        self._environment = {name: os.environ[name] for name in KEPT if name in os.environ}
        self._environment |= {"PM2_HOME": str(pm2_home), "FLASK_SKIP_DOTENV": "1"}
        self.configure()

    def configure(self, **variables: str) -> None:
        """Writes `.env`."""
        values = {
            "DATABASE_URL": self.database,
            "APP_PORT": str(self.port),
            "STRIPE_SIGNING_SECRET": STRIPE_SECRET,
            "ADMIN_TOKEN": ADMIN_TOKEN,
            "PAYMENTS_HANDLERS": "shop",
            "RETRY_BASE_SECONDS": "0.001",
            "RETRY_CAP_SECONDS": "0.001",
            **variables,
        }
        text = "".join(f"{name}={value}\n" for name, value in values.items())
        self.project.env_file.write_text(text)

    def make(self, target: str) -> subprocess.CompletedProcess[str]:
        return self._run("make", target, f"PM2={self.pm2}")

    def processes(self) -> dict[str, list[int]]:
        """What PM2 runs, by name."""
        found: dict[str, list[int]] = {}
        for row in self.listed():
            found.setdefault(row["name"], []).append(row["pid"])
        return found

    def listed(self) -> list[dict[str, Any]]:
        rows: list[dict[str, Any]] = json.loads(
            self._run(str(self.pm2), "jlist", "--silent").stdout
        )
        return rows

    def outcomes(self) -> Counter[tuple[str, int]]:
        """How many events have ended, or stand, in which status after how many attempts."""
        with psycopg.connect(self.database) as database:
            return Counter(database.execute("SELECT status, attempts FROM events").fetchall())

    def _run(self, *command: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            command,
            cwd=self.folder,
            env=self._environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=90,
        )
