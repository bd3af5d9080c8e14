"""One webhook, its retry and its replay are one trace, in the collector and in the logs."""

from __future__ import annotations

import json
import signal
import time
from collections.abc import Iterator
from typing import Any

import pytest

from tests.e2e.observability.conftest import ADMIN_TOKEN, VARIABLES
from tests.standins.collector import ANSWERS, FAILS, HANGS, Collector, Span
from tests.support.deliveries import PERSON, charge_of, encode, stripe_headers, unique
from tests.support.leaks import leaks_in
from tests.support.operator import Operator
from tests.support.service import SCHEDULER, WEB, Answer, Service
from tests.support.waiting import eventually

HANDLER = "handler tests.e2e.observability.handlers.send_receipt"
TRACE_ID = "0af7651916cd43dd8448eb211c80319c"
CALLER = "b7ad6b7169203331"


@pytest.fixture
def operator(service: Service) -> Operator:
    return Operator(service.url, ADMIN_TOKEN)


@pytest.fixture(autouse=True)
def answering(collector: Collector) -> Iterator[None]:
    yield
    collector.mode = ANSWERS


def deliver(service: Service, event: dict[str, Any], **headers: str) -> Answer:
    body = encode(event)
    answer = service.request(
        "POST", "/webhooks/stripe", body, {**stripe_headers(body), **headers}, seconds=5
    )
    assert answer.status == 200, answer.body
    return answer


def processed(operator: Operator, event_id: str, attempts: int) -> dict[str, Any]:
    def it() -> dict[str, Any] | None:
        event = operator.event(event_id)
        done = event is not None and len(event["history"]) == attempts
        return event if done and event is not None and event["status"] == "processed" else None

    event = eventually(it, f"{event_id} is processed")
    assert event is not None
    return event


def lines(service: Service, name: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in service.log(name).splitlines()]


def test_a_webhook_its_retry_and_its_replay_are_one_trace(
    service: Service, collector: Collector, operator: Operator
) -> None:
    event = charge_of(PERSON)
    caller = {
        "traceparent": f"00-{TRACE_ID}-{CALLER}-01",
        "tracestate": "rojo=00f067aa0ba902b7",
        "x-request-id": unique("req"),
    }
    answer = deliver(service, event, **caller)
    assert answer.headers["x-trace-id"] == TRACE_ID
    assert answer.headers["x-request-id"] == caller["x-request-id"]
    kept = processed(operator, event["id"], attempts=2)
    replay = service.request(
        "POST",
        f"/admin/events/{kept['id']}/replay",
        b'{"reason": "to see"}',
        {"Authorization": f"Bearer {ADMIN_TOKEN}", "Content-Type": "application/json"},
    )
    assert replay.status == 200, replay.body
    assert replay.headers["x-trace-id"] != TRACE_ID
    processed(operator, event["id"], attempts=3)

    def all_spans() -> list[Span] | None:
        spans = collector.trace(TRACE_ID)
        return spans if len(spans) >= 10 else None

    spans = eventually(all_spans, "all spans have come")
    assert spans is not None
    assert sorted(span.name for span in spans) == sorted(
        ["POST /webhooks/<provider>", "verify", "record", "enqueue"] + 3 * ["attempt", HANDLER]
    )
    named = {span.name: span for span in spans}
    request = named["POST /webhooks/<provider>"]
    assert (request.parent, request.kind, request.failed) == (CALLER, "SERVER", False)
    assert {named[step].parent for step in ("verify", "record", "enqueue")} == {request.span_id}
    assert request.attributes == {
        "http.request.method": "POST",
        "http.route": "/webhooks/<provider>",
        "http.response.status_code": 200,
        "payments.id": kept["id"],
        "payments.provider": "stripe",
        "payments.account": "default",
        "payments.event_id": event["id"],
        "payments.event_type": "charge.updated",
        "payments.outcome": "received",
    }
    attempts = [span for span in spans if span.name == "attempt"]
    assert {(span.parent, span.kind) for span in attempts} == {(request.span_id, "CONSUMER")}
    assert [span.attributes["payments.number"] for span in attempts] == [1, 2, 3]
    assert [span.failed for span in attempts] == [True, False, False]
    outcomes = [span.attributes["payments.outcome"] for span in attempts]
    assert outcomes == ["failed", "processed", "processed"]
    handlers = [span for span in spans if span.name == HANDLER]
    assert [span.parent for span in handlers] == [span.span_id for span in attempts]
    assert [span.failed for span in handlers] == [True, False, False]
    assert handlers[0].attributes == {"error.type": "ConnectionError"}
    assert {span.events for span in spans} == {0}
    assert request.resource["service.name"] == "payments-api"
    assert request.resource["team"] == "checkout"
    assert collector.headers["api-key"] == "otlp-4c7e2a5d80369b1f"

    assert not [span for span in collector.spans if "/health" in span.name]
    logged = lines(service, WEB) + lines(service, "worker.1")
    of_event = [line for line in logged if line.get("event_id") == event["id"]]
    assert [line["event"] for line in of_event] == ["request"] + 3 * ["attempt"]
    assert {line["trace_id"] for line in of_event} == {TRACE_ID}
    assert {line["request_id"] for line in of_event} == {caller["x-request-id"]}
    assert all(line["ms"] > 0 and line["provider"] == "stripe" for line in of_event)
    by_handler = [line for line in logged if line["logger"] == "shop.mail"]
    assert {line["trace_id"] for line in by_handler} == {TRACE_ID}


def test_every_line_of_every_process_is_json_and_says_nothing_that_is_secret(
    service: Service, collector: Collector, operator: Operator
) -> None:
    service.migrate()
    event = charge_of(PERSON)
    deliver(service, event)
    processed(operator, event["id"], attempts=2)
    for path in ("/nowhere?token=very-secret-token", "/admin/events?limit=x", "/health"):
        service.request("GET", path, headers={"Authorization": "Bearer wrong-token-0123456789"})
    service.request("POST", "/webhooks/stripe", b"{}", {"Stripe-Signature": "t=1,v1=" + "a" * 64})
    for name in ("migrations", WEB, "worker.1", SCHEDULER):
        found = lines(service, name)
        assert found, name
        for line in found:
            assert line.keys() >= {"timestamp", "level", "logger", "event"}, line
    said = "\n".join(service.log(name) for name in (WEB, "worker.1", SCHEDULER))
    sent = b"".join(collector.bodies).decode("latin-1")
    headers = VARIABLES["OTEL_EXPORTER_OTLP_HEADERS"]
    secrets = (ADMIN_TOKEN, VARIABLES["SESSION_SECRET"], headers, "otlp-4c7e2a5d80369b1f")
    for text in (said, sent):
        assert not leaks_in(text)
        for secret in (*secrets, "very-secret-token", "wrong-token", "Jenny", "Fredrick"):
            assert secret not in text


@pytest.mark.parametrize("mode", [HANGS, FAILS])
def test_a_collector_that_hangs_or_fails_costs_neither_a_webhook_nor_a_job_any_time(
    mode: str, service: Service, collector: Collector, operator: Operator
) -> None:
    collector.mode = mode
    tried = len(collector.bodies)
    events = [charge_of(PERSON) for _ in range(5)]
    deliver(service, events[0])
    eventually(lambda: len(collector.bodies) > tried, "it was asked")
    for event in events[1:]:
        began = time.monotonic()
        deliver(service, event)
        assert time.monotonic() - began < 2
    for event in events:
        processed(operator, event["id"], attempts=2)
    for name in (WEB, "worker.1"):
        began = time.monotonic()
        service.restart(name, signal.SIGTERM)
        # Three seconds for the spans, and what the process itself takes to end.
        assert time.monotonic() - began < 12
    service.wait_until_healthy()
