"""What every request gets: an id, a trace, one line in the log, and two headers in its answer."""

from __future__ import annotations

import time

import structlog
from flask import Flask, Response, g, request

from payments.observability.tracing import request_id_of, trace_of

log = structlog.get_logger(__name__)


def register(app: Flask) -> None:
    app.before_request(_begin)
    app.after_request(_end)


def _begin() -> None:
    g.started = time.perf_counter()
    g.request_id = request_id_of(request.headers.get("X-Request-Id"))
    g.trace = trace_of(request.headers.get("Traceparent"))
    structlog.contextvars.clear_contextvars()
    structlog.contextvars.bind_contextvars(request_id=g.request_id, trace_id=g.trace.trace_id)


def _end(response: Response) -> Response:
    response.headers["X-Request-Id"] = g.request_id
    response.headers["X-Trace-Id"] = g.trace.trace_id
    rule = request.url_rule.rule if request.url_rule else "(none)"
    # Monitoring asks these every few seconds; their lines would hide the others.
    level = "debug" if rule in ("/health", "/ready") and response.status_code < 400 else "info"
    getattr(log, level)(
        "request",
        method=request.method if request.method in _METHODS else "(other)",
        path=rule,
        status=response.status_code,
        ms=round(1000 * (time.perf_counter() - g.started), 1),
    )
    return response


_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
