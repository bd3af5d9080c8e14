"""The whole service on this machine: port, valkey, migrations, then web, workers, scheduler."""

from __future__ import annotations

import os
import secrets
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from payments.app import settings_from_environment
from payments.config import ROOT, Settings, environment
from payments.local import valkey
from payments.local.announce import Announcer
from payments.local.console import say
from payments.local.env_file import write_env_file
from payments.local.errors import MigrationFailed
from payments.local.lock import only_one, private_folder
from payments.local.ports import address_of, listen
from payments.local.processes import Command, run_all

LONGEST_STOP_SECONDS = 60.0


@dataclass(frozen=True)
class Plan:
    """What to run: the settings, and whether code is reloaded."""

    settings: Settings
    reload: bool
    stop_seconds: float


def prepare(dev: bool) -> Plan:
    """The first `.env`, then the settings.

    Raises:
        ConfigError: with every problem.
    """
    env_file = Path(ROOT, os.environ.get("ENV_FILE") or ".env")
    if os.environ.get("APP_ENV") != "prod" and write_env_file(env_file, os.environ):
        say(f"Wrote {env_file.name} with fresh secrets for development.")
    if dev and not environment().is_set("LOG_LEVEL"):
        os.environ["LOG_LEVEL"] = "DEBUG"
    variables = environment()
    if variables.text("APP_ENV") != "prod" and not variables.is_set("SESSION_SECRET"):
        # An older .env has none; reloaded web processes would each make up their own.
        os.environ["SESSION_SECRET"] = secrets.token_hex(32)
    settings = settings_from_environment()
    stop_seconds = min(settings.job_timeout_seconds, LONGEST_STOP_SECONDS)
    return Plan(settings, dev, stop_seconds)


def serve(plan: Plan) -> int:
    """Runs everything until it is told to stop; returns the exit code."""
    settings = plan.settings
    private_folder(settings.var_dir)
    with (
        only_one(settings.var_dir / "run.lock") as lock,
        listen(settings.app_host, settings.app_port) as listener,
        _redis(settings, lock),
        Announcer(settings, address_of(listener)) as announcer,
    ):
        asked = run_all(commands(plan, listener), _environ(), plan.stop_seconds, announcer.start)
    return 0 if asked and not announcer.failed else 1


@contextmanager
def _redis(settings: Settings, lock: int) -> Iterator[None]:
    """The embedded valkey where no other Redis is named; migrates while that starts."""
    if not settings.redis_is_embedded:
        migrate()
        yield
        return
    with valkey.running(settings.var_dir, lock) as address:
        migrate()
        valkey.wait(address, settings.var_dir)
        yield


def migrate() -> None:
    """Brings the database up to date.

    Raises:
        MigrationFailed: with what the command printed.
    """
    done = subprocess.run(
        [sys.executable, "-m", "flask", "--app", "wsgi", "db", "upgrade"],
        cwd=ROOT,
        env={**os.environ, "FLASK_SKIP_DOTENV": "1"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
    )
    if done.returncode:
        raise MigrationFailed(f"{done.stdout.rstrip()}\nThe database could not be migrated.")


def commands(plan: Plan, listener: socket.socket) -> list[Command]:
    """What runs beside each other, under the names that its output is prefixed with."""
    config = "payments.local.dev_server" if plan.reload else "payments.web.server"
    bind = f"fd://{listener.fileno()}"
    web = ["gunicorn", "--config", f"python:{config}", "--bind", bind, "wsgi:app"]
    return [
        Command("web", web, listener),
        *(
            Command(f"worker.{n}", ["jobs.worker"])
            for n in range(1, plan.settings.worker_count + 1)
        ),
        Command("scheduler", ["jobs.schedule"]),
    ]


def _environ() -> dict[str, str]:
    """Unbuffered, because output that goes into a pipe would else arrive late."""
    return {**os.environ, "PYTHONUNBUFFERED": "1"}
