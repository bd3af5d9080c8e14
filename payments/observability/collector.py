"""Spans for a collector, with OpenTelemetry's SDK; imported only where one is configured.

A thread sends them in batches. What it cannot send, and what does not fit into its queue, is lost:
a collector that is slow or away costs neither a webhook nor a job any time.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from opentelemetry import context, trace
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import Span, SpanContext, SpanKind, Status, StatusCode, TraceFlags
from opentelemetry.trace.span import TraceState

from payments.observability.masking import Masker
from payments.observability.trace_context import Trace
from payments.observability.tracing import ENQUEUE, ERROR_TYPE, JOB, REQUEST, STEP, Value

KINDS = {
    REQUEST: SpanKind.SERVER,
    JOB: SpanKind.CONSUMER,
    ENQUEUE: SpanKind.PRODUCER,
    STEP: SpanKind.INTERNAL,
}


class Collector:
    """A `Tracer` (payments/observability/tracing.py) whose spans go to a collector."""

    def __init__(self, variables: Mapping[str, str], service: Mapping[str, str], mask: Masker):
        """`variables` are the standard `OTEL_*`, which the SDK reads from the environment;
        `service` are the attributes of this process."""
        os.environ.update(variables)
        self._mask = mask
        self._provider = TracerProvider(
            resource=Resource.create(dict(service)), shutdown_on_exit=False
        )
        self._provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
        self._tracer = self._provider.get_tracer("payments")

    @contextmanager
    def follow(self, name: str, kind: str, parent: Trace | None) -> Iterator[Trace]:
        above = trace.set_span_in_context(_remote(parent), context.Context()) if parent else None
        span = self._tracer.start_span(name, above or context.Context(), KINDS[kind])
        with _current(span):
            yield _named(span.get_span_context())

    @contextmanager
    def step(self, name: str, kind: str) -> Iterator[None]:
        if not trace.get_current_span().get_span_context().is_valid:
            yield
            return
        with _current(self._tracer.start_span(name, kind=KINDS[kind])):
            yield

    def describe(self, attributes: Mapping[str, Value]) -> None:
        span = trace.get_current_span()
        if not span.is_recording():
            return
        for name, value in attributes.items():
            if value is not None:
                span.set_attribute(name, self._mask(value) if isinstance(value, str) else value)
        if attributes.get(ERROR_TYPE) is not None:
            span.set_status(Status(StatusCode.ERROR))

    def stop(self, seconds: float) -> None:
        """Send what is left, for at most so long."""
        ending = threading.Thread(target=self._provider.shutdown, daemon=True)
        ending.start()
        ending.join(seconds)


@contextmanager
def _current(span: Span) -> Iterator[None]:
    """Of what is raised within, the span gets the class: a message may quote anything."""
    with trace.use_span(
        span, end_on_exit=True, record_exception=False, set_status_on_exception=False
    ):
        try:
            yield
        except BaseException as error:
            span.set_attribute(ERROR_TYPE, type(error).__name__)
            span.set_status(Status(StatusCode.ERROR))
            raise


def _remote(parent: Trace) -> Span:
    return trace.NonRecordingSpan(
        SpanContext(
            trace_id=int(parent.trace_id, 16),
            span_id=int(parent.span_id, 16),
            is_remote=True,
            trace_flags=TraceFlags(int(parent.sampled)),
            trace_state=TraceState.from_header([parent.state] if parent.state else []),
        )
    )


def _named(span: SpanContext) -> Trace:
    return Trace(
        trace.format_trace_id(span.trace_id),
        trace.format_span_id(span.span_id),
        span.trace_flags.sampled,
        span.trace_state.to_header(),
    )
