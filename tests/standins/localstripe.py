"""localstripe, a stand-in for Stripe by others, as a process of its own.

Its webhooks are really signed; each is sent once, a second after what it tells of. Refunds make
no events there, and neither do disputes and checkout sessions.
"""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import urllib3

from tests.support.servers import free_port
from tests.support.waiting import eventually

API_KEY = "sk_test_1234567890"
PAGE = 100


class LocalStripe:
    """The running process, through its HTTP API."""

    def __init__(self, port: int) -> None:
        self.url = f"http://127.0.0.1:{port}"

    def post(self, path: str, fields: dict[str, str | int] | None = None, status: int = 200) -> Any:
        return self._request("POST", path, status, fields)

    def get(self, path: str, **query: str | int) -> Any:
        return self._request("GET", path, 200, query)

    def delete(self, path: str) -> Any:
        return self._request("DELETE", path, 200)

    def deliver_to(self, url: str, secret: str) -> None:
        """From now on, every webhook goes to `url`, signed with `secret`, and to nowhere else."""
        self._request("POST", "/_config/webhooks/only", 200, {"url": url, "secret": secret})

    def events(self) -> list[dict[str, Any]]:
        """All that happened, oldest first."""
        found: list[dict[str, Any]] = []
        more = True
        while more:
            after = {"starting_after": found[-1]["id"]} if found else {}
            page = self.get("/v1/events", limit=PAGE, **after)
            found += page["data"]
            more = page["has_more"]
        return found

    def _request(
        self, method: str, path: str, status: int, fields: dict[str, str | int] | None = None
    ) -> Any:
        body = urlencode(fields or {})
        answer = urllib3.request(
            method,
            f"{self.url}{path}" + (f"?{body}" if method == "GET" and body else ""),
            body=body if method == "POST" else None,
            headers={
                "Authorization": f"Bearer {API_KEY}",
                "Content-Type": "application/x-www-form-urlencoded",
            },
            timeout=10,
            retries=False,
        )
        assert answer.status == status, (method, path, answer.status, answer.data)
        return answer.json() if answer.data.strip() else None


@contextlib.contextmanager
def localstripe(folder: Path) -> Iterator[LocalStripe]:
    """A localstripe with nothing in it, and its log in `folder`."""
    port = free_port()
    with (folder / "localstripe.log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "localstripe", "--port", str(port), "--from-scratch"],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            env={**os.environ, "NO_PROXY": "127.0.0.1"},
        )
    try:

        def listens() -> bool:
            assert process.poll() is None, (folder / "localstripe.log").read_text()
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
                return True
            return False

        eventually(listens, "localstripe answers")
        yield LocalStripe(port)
    finally:
        process.terminate()
        process.wait()
