"""A collector of OpenTelemetry's spans: OTLP over HTTP, as far as the service speaks it."""

from __future__ import annotations

from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler
from typing import Any

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from tests.standins.serving import Listening

ANSWERS, FAILS, HANGS = "answers", "fails", "hangs"


@dataclass(frozen=True, kw_only=True)
class Span:
    """A span as it was sent. Ids are lower-case hex; `parent` is "" for a root."""

    name: str
    kind: str
    trace_id: str
    span_id: str
    parent: str
    failed: bool
    events: int
    attributes: dict[str, Any]
    resource: dict[str, Any]


class Collector(Listening):
    """Takes spans.

    Attributes:
        mode: whether it answers, fails with 500, or does not answer at all.
        headers: those of the latest request.
        bodies: every request's body, also of those that it did not take.
    """

    def __init__(self) -> None:
        self.mode = ANSWERS
        self.headers: dict[str, str] = {}
        self.bodies: list[bytes] = []
        self.spans: list[Span] = []
        super().__init__()

    def handler(self) -> type[BaseHTTPRequestHandler]:
        return _handler(self)

    def take(self, path: str, headers: dict[str, str], body: bytes) -> int:
        """The status of the answer."""
        self.headers = headers
        self.bodies.append(body)
        if self.mode == HANGS:
            self._released.wait(60)
        if path != "/v1/traces" or self.mode != ANSWERS:
            return 500
        self.spans += _spans(ExportTraceServiceRequest.FromString(body))
        return 200

    def trace(self, trace_id: str) -> list[Span]:
        """Its spans so far, in the order in which they have arrived."""
        return [span for span in list(self.spans) if span.trace_id == trace_id]


def _spans(request: ExportTraceServiceRequest) -> list[Span]:
    return [
        Span(
            name=span.name,
            kind=type(span).SpanKind.Name(span.kind).removeprefix("SPAN_KIND_"),
            trace_id=span.trace_id.hex(),
            span_id=span.span_id.hex(),
            parent=span.parent_span_id.hex(),
            failed=span.status.code == type(span.status).STATUS_CODE_ERROR,
            events=len(span.events),
            attributes=_attributes(span.attributes),
            resource=_attributes(of_process.resource.attributes),
        )
        for of_process in request.resource_spans
        for of_scope in of_process.scope_spans
        for span in of_scope.spans
    ]


def _attributes(pairs: Any) -> dict[str, Any]:
    return {pair.key: getattr(pair.value, pair.value.WhichOneof("value")) for pair in pairs}


def _handler(collector: Collector) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            headers = {name.lower(): value for name, value in self.headers.items()}
            self.send_response(collector.take(self.path, headers, body))
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_arguments: Any) -> None:
            pass

    return Handler
