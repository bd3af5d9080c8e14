"""What stand-ins have in common: a server; those for Stripe's API answers in its form, too."""

from __future__ import annotations

import json
import threading
from abc import ABC, abstractmethod
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar, Self

# Status, content type, body.
Reply = tuple[int, str, bytes]


class Listening(ABC):
    """A server on a free port, as a context manager; what it does is its handler's."""

    def __init__(self) -> None:
        self._released = threading.Event()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self.handler())
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()
        return self

    def __exit__(self, *_error: object) -> None:
        self._released.set()
        self._server.shutdown()
        self._server.server_close()

    @abstractmethod
    def handler(self) -> type[BaseHTTPRequestHandler]:
        """Of its requests."""


class Serving(Listening):
    """Answers GET.

    Attributes:
        retry_after: what a 429 says; None for nothing.
    """

    retry_after: ClassVar[str | None] = None

    def handler(self) -> type[BaseHTTPRequestHandler]:
        return _handler(self)

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
