"""gunicorn's configuration (`--config python:payments.web.server`), and its worker.

gunicorn answers some malformed requests by itself, before there is an application to ask. The
worker below gives those answers the same form as all others.
"""

from __future__ import annotations

import contextlib
import logging
import secrets
import socket
import time
from http import HTTPStatus
from typing import Any

import structlog
from flask import Flask
from gunicorn.http import errors
from gunicorn.http.parser import RequestParser
from gunicorn.http.unreader import SocketUnreader
from gunicorn.workers.gthread import ThreadWorker

from payments.config import environment, web_concurrency, web_max_memory_mb, web_threads
from payments.extensions import SETTINGS
from payments.memory import MEGABYTE, resident_bytes
from payments.observability import metrics, tracing
from payments.observability.trace_context import new_trace
from payments.reconciliation.deliveries import write_counts_of
from payments.web.errors import MEDIA_TYPE, problem_body
from payments.web.headers import ALWAYS
from payments.web.readiness import say_ready

worker_class = "payments.web.server.Worker"
# What is wrong with them is reported when the application is built, with everything else.
workers = web_concurrency(environment())
threads = web_threads(environment())
max_memory_bytes = web_max_memory_mb(environment()) * MEGABYTE
# One application, built once and shared by the workers' memory; a configuration error ends the
# start instead of a worker that is started again and again.
preload_app = True
graceful_timeout = 30
timeout = 60
keepalive = 75
# A signature header of several kilobytes is the application's to refuse, in its own words.
limit_request_field_size = 16384
# Each instance has its own, or a second one on this machine would take it over.
control_socket_disable = True
accesslog = None

# A request's head, and then its body, must have arrived after so long, however steadily they do:
# a client that stops, or drips, does not hold a thread for longer.
READ_SECONDS = 10
# A refused client may still be sending; closing at once would destroy the answer on its way.
LINGER_SECONDS = 2
LINGER_BYTES = 4 * 1024 * 1024

log = structlog.get_logger(__name__)


def post_worker_init(worker: Any) -> None:
    """gunicorn calls this in a worker that begins: threads do not survive a fork."""
    if isinstance(app := worker.wsgi, Flask) and SETTINGS in app.extensions:
        metrics.share(app.extensions[SETTINGS].var_dir)
        tracing.start(app.extensions[SETTINGS])


def when_ready(server: Any) -> None:
    """gunicorn calls this when the application is built and the socket is there."""
    say_ready()


def post_request(worker: Any, req: Any, environ: Any, resp: Any) -> None:
    """gunicorn calls this after each request: a worker that has grown too large is replaced.

    It ends as it does on SIGTERM, after the requests that it is answering.
    """
    # Neighbours have different limits: they grow alike, and should not all be gone at once.
    limit = max_memory_bytes - worker.age % 2 * max_memory_bytes // 10
    if worker.alive and (used := resident_bytes()) > limit:
        worker.log.warning("worker retires at %d MB", used // MEGABYTE)
        worker.alive = False


def worker_exit(server: Any, worker: Any) -> None:
    """gunicorn calls this in a worker that ends: what it has counted is not to be lost."""
    if isinstance(app := worker.wsgi, Flask):
        write_counts_of(app)
    tracing.stop()


class TooSlow(errors.ParseException):  # type: ignore[misc]
    """The head of the request did not arrive in time."""


PROTECTION = "".join(f"{name}: {value}\r\n" for name, value in ALWAYS.items())

STATUSES: tuple[tuple[type[Exception], int], ...] = (
    (TooSlow, 408),
    (errors.LimitRequestLine, 414),
    (errors.LimitRequestHeaders, 431),
    (errors.UnsupportedTransferCoding, 501),
    (errors.ExpectationFailed, 417),
    (errors.ForbiddenProxyRequest, 403),
    (errors.ParseException, 400),
)


class Reader(SocketUnreader):  # type: ignore[misc]
    """Reads from a client until a deadline, and then raises `too_slow`."""

    too_slow: type[Exception] = TooSlow
    deadline: float | None = None

    def expect(self, too_slow: type[Exception]) -> None:
        """The clock starts with the next read."""
        self.too_slow, self.deadline = too_slow, None

    def chunk(self, size_hint: int | None = None) -> bytes:
        now = time.monotonic()
        self.deadline = self.deadline or now + READ_SECONDS
        try:
            # Zero would mean not to wait at all, not even for what is there.
            self.sock.settimeout(max(self.deadline - now, 0.001))
            read: bytes = super().chunk(size_hint)
        except TimeoutError:
            raise self.too_slow from None
        finally:
            self.sock.settimeout(READ_SECONDS)
        return read


class Worker(ThreadWorker):  # type: ignore[misc]
    """gthread, with problem details for what is no request, and time limits on clients."""

    def handle(self, conn: Any) -> Any:
        if conn.parser is None and not self.cfg.is_ssl:
            conn.parser = RequestParser(self.cfg, conn.sock, conn.client)
            conn.parser.unreader = Reader(conn.sock)
        _expect(conn, TooSlow)
        keep = super().handle(conn)
        if not keep:
            # gunicorn would do this in its main loop, where everybody else waits.
            _linger(conn.sock)
        return keep

    def handle_request(self, req: Any, conn: Any) -> Any:
        # Werkzeug knows what a TimeoutError in a body means.
        _expect(conn, TimeoutError)
        return super().handle_request(req, conn)

    def handle_error(self, req: Any, client: socket.socket, addr: Any, exc: Exception) -> None:
        status = next((code for kind, code in STATUSES if isinstance(exc, kind)), 500)
        request_id, trace_id = secrets.token_hex(16), new_trace().trace_id
        # What this thread's last request left would be said of this one.
        structlog.contextvars.clear_contextvars()
        metrics.count_request(metrics.OTHER, metrics.OTHER_METHOD, status, None)
        log.log(
            logging.ERROR if status == 500 else logging.INFO,
            "request",
            status=status,
            outcome="refused",
            reason=type(exc).__name__,
            request_id=request_id,
            trace_id=trace_id,
            exc_info=exc if status == 500 else None,
        )
        try:
            client.sendall(_answer(status, request_id, trace_id))
        except OSError:
            self.log.debug("the client was gone before its error could be sent")


def _expect(conn: Any, too_slow: type[Exception]) -> None:
    reader = getattr(conn.parser, "unreader", None)
    if isinstance(reader, Reader):  # over TLS, gunicorn makes its own
        reader.expect(too_slow)


def _linger(sock: socket.socket) -> None:
    """Say that nothing more will come, and let the client finish (RFC 9112, section 9.6)."""
    deadline = time.monotonic() + LINGER_SECONDS
    drained = 0
    try:
        sock.shutdown(socket.SHUT_WR)
        while drained < LINGER_BYTES and (left := deadline - time.monotonic()) > 0:
            sock.settimeout(left)
            read = len(sock.recv(65536))
            if not read:
                break
            drained += read
        sock.shutdown(socket.SHUT_RDWR)
    except OSError:
        # Also where the time is over: there is nothing left to do but to close.
        with contextlib.suppress(OSError):
            sock.shutdown(socket.SHUT_RDWR)


def _answer(status: int, request_id: str, trace_id: str) -> bytes:
    phrase = HTTPStatus(status).phrase
    detail = "The request is not valid HTTP." if status < 500 else "The request failed."
    body = problem_body(status, phrase, detail, request_id).encode()
    head = (
        f"HTTP/1.1 {status} {phrase}\r\n"
        f"Content-Type: {MEDIA_TYPE}\r\n"
        f"Content-Length: {len(body)}\r\n"
        f"X-Request-Id: {request_id}\r\n"
        f"X-Trace-Id: {trace_id}\r\n"
        f"{PROTECTION}"
        "Connection: close\r\n\r\n"
    )
    return head.encode() + body
