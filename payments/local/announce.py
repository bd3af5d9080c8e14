"""Telling where the service is, once it answers."""

from __future__ import annotations

import http.client
import os
import signal
import time
from pathlib import Path
from threading import Event, Thread
from typing import Self
from urllib.parse import urlsplit

from sqlalchemy.engine import make_url

from payments.access import AdminToken
from payments.config import ROOT, Settings
from payments.local.console import say

HEALTH_PATH = "/health"
READY_SECONDS = 60.0
REQUEST_SECONDS = 2.0
POLL_SECONDS = 0.05
FLASK = ".venv/bin/flask --app wsgi"


def is_healthy(address: str) -> bool:
    """Whether GET /health answers 200. Not through urllib, which would ask a proxy."""
    target = urlsplit(address)
    connection = http.client.HTTPConnection(
        target.hostname or "", target.port, timeout=REQUEST_SECONDS
    )
    try:
        connection.request("GET", HEALTH_PATH)
        return connection.getresponse().status == http.HTTPStatus.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def wait_until_healthy(address: str, seconds: float, stopping: Event) -> bool:
    """True once the service answers; False after `seconds`, or as soon as `stopping` is set."""
    deadline = time.monotonic() + seconds
    while not stopping.is_set() and time.monotonic() < deadline:
        if is_healthy(address):
            return True
        stopping.wait(POLL_SECONDS)
    return False


def banner(settings: Settings, address: str) -> str:
    """What a person needs to know, in one block. Secrets are for development only."""
    rows = [
        ("Address", address),
        ("Console", f"{address}/console"),
        ("Admin token", _token(settings)),
        ("Database", _database(settings)),
        ("Redis", "embedded valkey" if settings.redis_is_embedded else "the one of REDIS_URL"),
        ("Send an event", f"{FLASK} simulate stripe payment_intent.succeeded"),
        ("See events", f"{FLASK} events list"),
        ("Stop", "Ctrl-C"),
    ]
    width = max(len(name) for name, _ in rows) + 2
    lines = [f"  {name + ':':{width}} {value}" for name, value in rows]
    return "\n".join(["", "payments-api is ready.", "", *lines, ""])


def _token(settings: Settings) -> str:
    if settings.is_production:
        return "not shown with APP_ENV=prod"
    operators = [token for token in settings.admin_tokens if token.role == "operator"]
    tokens: list[AdminToken] = operators or list(settings.admin_tokens)
    return tokens[0].token if tokens else "none; set ADMIN_TOKEN"


def _database(settings: Settings) -> str:
    if not settings.is_sqlite:
        return make_url(settings.database_url).render_as_string(hide_password=True)
    path = Path(settings.database_url.removeprefix("sqlite:///"))
    return str(path.relative_to(ROOT) if path.is_relative_to(ROOT) else path)


class AddressFile:
    """`var/address`, by which the command line and the examples find the running service."""

    def __init__(self, var_dir: Path) -> None:
        self._path = var_dir / "address"

    def write(self, address: str) -> None:
        """In one step: a reader sees the whole line or no file."""
        temporary = self._path.with_name("address.new")
        temporary.write_text(f"{address}\n", encoding="utf-8")
        temporary.replace(self._path)

    def remove(self) -> None:
        self._path.unlink(missing_ok=True)


class Announcer:
    """Prints the banner and writes the address once the service answers, beside its processes.

    A service that does not answer in time is stopped, and `failed` says so: what went wrong stands
    right above, where a person who waits would not look for it.
    """

    def __init__(self, settings: Settings, address: str, seconds: float = READY_SECONDS) -> None:
        self.failed = False
        self._settings, self._address, self._seconds = settings, address, seconds
        self._file = AddressFile(settings.var_dir)
        self._file.remove()  # a killed run's
        self._stopping = Event()
        self._thread = Thread(target=self._announce, daemon=True)

    def start(self) -> None:
        self._thread.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        """Afterwards nothing is announced any more, and the address is gone."""
        self._stopping.set()
        if self._thread.ident is not None:
            self._thread.join()
        self._file.remove()

    def _announce(self) -> None:
        if wait_until_healthy(self._address, self._seconds, self._stopping):
            self._file.write(self._address)
            say(banner(self._settings, self._address))
        elif not self._stopping.is_set():
            self.failed = True
            say(f"The web process did not answer within {self._seconds:g} s; stopping.")
            os.kill(os.getpid(), signal.SIGTERM)
