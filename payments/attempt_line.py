"""What an attempt leaves behind for people: one line in the log, and a span.

Both belong to the trace of the request that brought the event, also days later; and so does every
line that a handler or a library logs meanwhile.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import structlog
from structlog.contextvars import bound_contextvars

from payments.attempts import Begun, Outcome
from payments.observability import personal, tracing
from payments.observability.trace_context import trace_of

# How an attempt ended that could not be written down: the database is away.
UNWRITTEN = "unwritten"

log = structlog.get_logger(__name__)


class AttemptLine:
    """The line of one attempt, until it is written."""

    def __init__(self, attempt: Begun) -> None:
        self._started = time.perf_counter()
        self._about: dict[str, Any] = {
            "id": attempt.id,
            "event_id": attempt.event_id,
            "provider": attempt.provider,
            "event_type": attempt.event_type,
            "number": attempt.number,
        }

    def write(self, outcome: Outcome) -> None:
        """Say how the attempt ended: of a failure, why, and when the next attempt will be made."""
        told: dict[str, Any] = {"outcome": outcome.ended}
        if outcome.failed:
            told |= {
                "status": outcome.status,
                "retry_in_seconds": outcome.retry_in_seconds,
                "error": outcome.error,
            }
            tracing.describe({tracing.ERROR_TYPE: outcome.ended})
        self._write("warning" if outcome.failed else "info", told)

    def write_unwritten(self, error: BaseException) -> None:
        """Say that its end could not be written down."""
        self._write("error", {"outcome": UNWRITTEN, "error": type(error).__name__})

    def _write(self, level: str, told: dict[str, Any]) -> None:
        said = {**self._about, "outcome": told["outcome"]}
        tracing.describe({f"payments.{name}": value for name, value in said.items()})
        ms = round(1000 * (time.perf_counter() - self._started), 1)
        getattr(log, level)("attempt", **self._about, **told, ms=ms)


@contextmanager
def attempt_line(attempt: Begun) -> Iterator[AttemptLine]:
    """Follow an attempt that has begun; whoever makes it writes the line once it has ended."""
    line = AttemptLine(attempt)
    with (
        tracing.follow("attempt", tracing.JOB, trace_of(attempt.traceparent)) as trace,
        bound_contextvars(request_id=attempt.request_id, trace_id=trace.trace_id),
    ):
        try:
            yield line
        except BaseException as error:
            line.write_unwritten(error)
            raise
        finally:
            personal.forget()
