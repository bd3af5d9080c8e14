"""A stand-in for the web process behind a proxy: it notes what reaches it, and how."""

from __future__ import annotations

import itertools
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Self


@dataclass(frozen=True)
class Request:
    """One request as it arrived; `connection` counts connections from 1."""

    method: str
    path: str
    headers: dict[str, str]
    body_length: int
    connection: int


@dataclass
class Recorder:
    """Answers everything with `status`; with 0 it hangs up without an answer."""

    status: int = 200
    requests: list[Request] = field(default_factory=list)
    port: int = 0

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self.stop()

    def start(self) -> None:
        """On the port that it had before, if any."""
        self._server = Server(("127.0.0.1", self.port), _handler(self))
        self.port = self._server.server_port
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()

    def stop(self) -> None:
        """Nobody listens any more, and open connections are closed with their next request."""
        self._server.shutdown()
        self._server.server_close()
        self._server.is_stopped = True

    def reset(self) -> None:
        self.status = 200
        self.requests.clear()


class Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 1024
    is_stopped = False


def _handler(recorder: Recorder) -> type[BaseHTTPRequestHandler]:
    numbers = itertools.count(1)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def setup(self) -> None:
            super().setup()
            self.number = next(numbers)

        def answer(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            headers = {name.lower(): value for name, value in self.headers.items()}
            recorder.requests.append(
                Request(self.command, self.path, headers, len(body), self.number)
            )
            if not recorder.status or getattr(self.server, "is_stopped", False):
                self.close_connection = True
                return
            self.send_response(recorder.status)
            self.send_header("Content-Length", "2")
            self.send_header("Strict-Transport-Security", "max-age=1")
            self.end_headers()
            self.wfile.write(b"{}")

        do_GET = do_POST = answer  # noqa: N815

        def log_message(self, *_arguments: object) -> None:
            pass

    return Handler
