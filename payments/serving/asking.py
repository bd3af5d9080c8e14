"""Asking the web process of this configuration, as those do who wait for it."""

from __future__ import annotations

import http.client
from contextlib import closing
from dataclasses import dataclass

from payments.config import Settings
from payments.errors import PaymentsError
from payments.serving.web import port_of

SECONDS = 4.0
# A wildcard address means loopback for those on the same machine.
WILDCARDS = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104


class NoAnswer(PaymentsError):
    """Nothing answers there."""


@dataclass(frozen=True)
class Answer:
    status: int
    body: bytes


def place_of(settings: Settings) -> tuple[str, int]:
    """Where this machine reaches the web process: host and port."""
    return WILDCARDS.get(settings.app_host, settings.app_host), port_of(settings)


def ask(settings: Settings, path: str) -> Answer:
    """The answer to a GET.

    Raises:
        NoAnswer: none came within four seconds.
    """
    host, port = place_of(settings)
    try:
        with closing(http.client.HTTPConnection(host, port, timeout=SECONDS)) as connection:
            connection.request("GET", path)
            answer = connection.getresponse()
            return Answer(answer.status, answer.read())
    except (OSError, http.client.HTTPException):
        raise NoAnswer(f"nothing answers on {host}, port {port}") from None
