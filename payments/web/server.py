"""gunicorn's configuration (`--config python:payments.web.server`), and its worker.

gunicorn answers some malformed requests by itself, before there is an application to ask. The
worker below gives those answers the same form as all others.
"""

from __future__ import annotations

import os
import secrets
import socket
from http import HTTPStatus
from typing import Any

from gunicorn.http import errors
from gunicorn.workers.gthread import ThreadWorker

from payments.web.errors import MEDIA_TYPE, problem_body

worker_class = "payments.web.server.Worker"
workers = int(os.environ.get("WEB_CONCURRENCY") or 2)
threads = int(os.environ.get("WEB_THREADS") or 16)
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

# A client that stops sending in the middle of its body does not hold a thread for longer.
BODY_SECONDS = 10

STATUSES: tuple[tuple[type[Exception], int], ...] = (
    (errors.LimitRequestLine, 414),
    (errors.LimitRequestHeaders, 431),
    (errors.UnsupportedTransferCoding, 501),
    (errors.ExpectationFailed, 417),
    (errors.ForbiddenProxyRequest, 403),
    (errors.ParseException, 400),
)


class Worker(ThreadWorker):  # type: ignore[misc]
    """gthread, with problem details for what is no request, and a time limit on bodies."""

    def handle_request(self, req: Any, conn: Any) -> Any:
        conn.sock.settimeout(BODY_SECONDS)
        return super().handle_request(req, conn)

    def handle_error(self, req: Any, client: socket.socket, addr: Any, exc: Exception) -> None:
        status = next((code for kind, code in STATUSES if isinstance(exc, kind)), 500)
        request_id = secrets.token_hex(16)
        log = self.log.exception if status == 500 else self.log.info
        log("request refused: %s, status %d, request_id %s", type(exc).__name__, status, request_id)
        try:
            client.sendall(_answer(status, request_id))
        except OSError:
            self.log.debug("the client was gone before its error could be sent")


def _answer(status: int, request_id: str) -> bytes:
    phrase = HTTPStatus(status).phrase
    detail = "The request is not valid HTTP." if status < 500 else "The request failed."
    body = problem_body(status, phrase, detail, request_id).encode()
    head = (
        f"HTTP/1.1 {status} {phrase}\r\n"
        f"Content-Type: {MEDIA_TYPE}\r\n"
        f"Content-Length: {len(body)}\r\n"
        f"X-Request-Id: {request_id}\r\n"
        f"X-Trace-Id: {secrets.token_hex(16)}\r\n"
        "Connection: close\r\n\r\n"
    )
    return head.encode() + body
