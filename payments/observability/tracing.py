"""Spans: how long each step on an event's way took, for whoever collects traces.

Without a collector (`OTEL_EXPORTER_OTLP_ENDPOINT`) nothing is made but the ids, which logs and rows
carry anyway. With one, payments/observability/collector.py puts a tracer here.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from typing import Protocol

import structlog

from payments.config import Settings
from payments.observability.masking import Masker
from payments.observability.trace_context import Trace, new_trace

# How long a process that ends waits for a collector to take the last spans.
FLUSH_SECONDS = 3.0
Value = str | int | bool | None
REQUEST, JOB, ENQUEUE, STEP = "request", "job", "enqueue", "step"
ERROR_TYPE = "error.type"
_NOTHING: AbstractContextManager[None] = nullcontext()


class Tracer(Protocol):
    """Makes spans. None of its methods waits for anything, or raises."""

    def follow(
        self, name: str, kind: str, parent: Trace | None
    ) -> AbstractContextManager[Trace]: ...

    def step(self, name: str, kind: str) -> AbstractContextManager[None]: ...

    def describe(self, attributes: Mapping[str, Value]) -> None: ...

    def stop(self, seconds: float) -> None: ...


log = structlog.get_logger(__name__)
_tracer: Tracer | None = None


def start(settings: Settings) -> None:
    """Make spans from now on, where a collector is configured; to be called after any fork.

    Nothing that is wrong with the collection of spans keeps a process from its work.
    """
    global _tracer
    if settings.collector is None:
        return
    try:
        from payments.observability.collector import Collector

        attributes = {"deployment.environment.name": settings.app_env}
        _tracer = Collector(settings.collector, attributes, Masker(settings.secrets))
    except Exception as error:
        log.exception("no spans are made", error=type(error).__name__)


def stop() -> None:
    """Send the last spans, where that is possible within a few seconds."""
    global _tracer
    if _tracer is not None:
        _tracer.stop(FLUSH_SECONDS)
        _tracer = None


def follow(name: str, kind: str, parent: Trace | None) -> AbstractContextManager[Trace]:
    """A piece of work that goes on with the trace of `parent`, or begins one; yields its own span.

    Steps within it are its children.
    """
    if _tracer is not None:
        return _tracer.follow(name, kind, parent)
    return unrecorded(parent)


def unrecorded(parent: Trace | None) -> AbstractContextManager[Trace]:
    """The same for what nobody wants to see in a trace: the ids alone."""
    return nullcontext(parent.next() if parent else new_trace())


def step(name: str, kind: str = STEP) -> AbstractContextManager[None]:
    """A part of the work that is followed here; outside of any, nothing."""
    return _NOTHING if _tracer is None else _tracer.step(name, kind)


def describe(attributes: Mapping[str, Value]) -> None:
    """Say more of the innermost span: ids, types and outcomes. Never a secret or a person.

    With an `error.type` the span is one that failed.
    """
    if _tracer is not None:
        _tracer.describe(attributes)
