"""What every request gets: an id, a trace, one line in the log, and two headers in its answer."""

from __future__ import annotations

import time
from contextlib import AbstractContextManager
from typing import Any

import structlog
from flask import Flask, Response, g, request

from payments.observability import tracing
from payments.observability.metrics import METHODS
from payments.observability.trace_context import Trace, request_id_of, trace_of

# Monitoring asks these every few seconds; their lines and spans would hide the others.
QUIET = ("/health", "/ready")
# What of a line is said in its span, too.
DESCRIBED = ("id", "provider", "account", "event_id", "event_type", "outcome")

log = structlog.get_logger(__name__)


def register(app: Flask) -> None:
    app.before_request(_begin)
    app.after_request(_answered)
    app.teardown_request(_end)


def note(**fields: Any) -> None:
    """Say more of this request in its line: what it was about, and what came of it."""
    g.setdefault("noted", {}).update(fields)


def note_error(error: BaseException) -> None:
    """Have this request's line say what went wrong on our side, and where."""
    note(outcome="failed", error=type(error).__name__, exc_info=error)


def _begin() -> None:
    g.started = time.perf_counter()
    g.noted = {}
    g.request_id = request_id_of(request.headers.get("X-Request-Id"))
    caller = trace_of(request.headers.get("Traceparent"), request.headers.get("Tracestate"))
    g.span = _followed(caller)
    g.trace = g.span.__enter__()
    structlog.contextvars.clear_contextvars()
    structlog.contextvars.bind_contextvars(request_id=g.request_id, trace_id=g.trace.trace_id)


def _followed(caller: Trace | None) -> AbstractContextManager[Trace]:
    if _rule() in QUIET:
        return tracing.unrecorded(caller)
    return tracing.follow(f"{_method()} {_rule()}", tracing.REQUEST, caller)


def _answered(response: Response) -> Response:
    response.headers["X-Request-Id"] = g.request_id
    response.headers["X-Trace-Id"] = g.trace.trace_id
    status = response.status_code
    _describe(status)
    getattr(log, _level(status))(
        "request",
        method=_method(),
        path=_rule(),
        status=status,
        ms=round(1000 * (time.perf_counter() - g.started), 1),
        **g.noted,
    )
    return response


def _end(_error: BaseException | None) -> None:
    if (span := g.pop("span", None)) is not None:
        span.__exit__(None, None, None)


def _describe(status: int) -> None:
    """In the words of OpenTelemetry's semantic conventions for HTTP."""
    tracing.describe(
        {
            "http.request.method": _method(),
            "http.route": _rule(),
            "http.response.status_code": status,
            tracing.ERROR_TYPE: str(status) if status >= 500 else None,
            **{f"payments.{name}": g.noted[name] for name in DESCRIBED if name in g.noted},
        }
    )


def _level(status: int) -> str:
    if status >= 500:
        return "warning" if status == 503 else "error"
    return "debug" if _rule() in QUIET and status < 400 else "info"


def _method() -> str:
    return request.method if request.method in METHODS else "(other)"


def _rule() -> str:
    """The address's pattern: the address itself may be anything, and its query a secret."""
    return request.url_rule.rule if request.url_rule else "(none)"
