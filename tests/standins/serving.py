"""What stand-ins for Stripe's API have in common: a server for GET, and answers in its form."""

from __future__ import annotations

import json
import threading
from abc import ABC, abstractmethod
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self

# Status, content type, body.
Reply = tuple[int, str, bytes]


class Serving(ABC):
    """Serves on a free port, as a context manager.

    Attributes:
        retry_after: what a 429 says; None for nothing.
    """

    def __init__(self) -> None:
        self.retry_after: str | None = "0"
        self._released = threading.Event()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()
        return self

    def __exit__(self, *_error: object) -> None:
        self._released.set()
        self._server.shutdown()
        self._server.server_close()

    @abstractmethod
    def answer(self, target: str, key: str, account: str) -> Reply | None:
        """What is said to a GET of `target`, with its headers `Authorization` and
        `Stripe-Account`; None: nothing at all."""


def json_reply(body: Any, status: int = 200) -> Reply:
    return status, "application/json", json.dumps(body).encode()


def error_reply(status: int, message: str) -> Reply:
    return json_reply({"error": {"type": "invalid_request_error", "message": message}}, status)


def _handler(standin: Serving) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            key, account = (self.headers.get(it, "") for it in ("Authorization", "Stripe-Account"))
            reply = standin.answer(self.path, key, account)
            if reply is None:
                return
            status, kind, body = reply
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            if status == 429 and standin.retry_after:
                self.send_header("Retry-After", standin.retry_after)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_arguments: Any) -> None:
            pass

    return Handler
