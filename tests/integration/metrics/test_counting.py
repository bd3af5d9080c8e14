"""What is counted as it happens: the promised names, and that they say what has happened."""

from __future__ import annotations

from payments.errors import PermanentFailure
from payments.handlers import handles
from tests.support.application import Application, MakeApplication
from tests.support.deliveries import customer_event, paypal_event, stripe_event
from tests.support.metrics import Page

INTENT = {"provider": "stripe", "event_type": "payment_intent.succeeded"}
PROMISED = {
    "payments_api_build_info": {"environment", "name", "version"},
    "http_requests_total": {"endpoint", "method", "status_code"},
    "http_request_duration_seconds_count": {"endpoint", "method"},
    "webhook_events_total": {"provider", "event_type", "status"},
    "webhook_processing_duration_seconds_count": {"provider", "event_type"},
    "webhook_signature_validations_total": {"provider", "result"},
    "database_operations_total": {"operation", "table", "status"},
    "application_info": {"environment", "version"},
}


def page_of(application: Application) -> Page:
    answer = application.client.get("/metrics")
    assert answer.status_code == 200
    assert answer.content_type == "text/plain; version=0.0.4; charset=utf-8"
    return Page(answer.text)


def test_the_promised_names_have_the_promised_labels(application: Application) -> None:
    application.deliver()
    application.work()
    page = page_of(application)
    found = {name: set(page.labels_of(name)) for name in PROMISED}
    assert found == {name: {frozenset(labels)} for name, labels in PROMISED.items()}


def test_an_event_is_counted_from_the_door_to_its_end(application: Application) -> None:
    before = page_of(application)
    event = stripe_event()
    for _ in range(3):
        assert application.deliver(event).status_code == 200
    application.work()
    after = page_of(application)
    events = {
        status: after.since(before, "webhook_events_total", status=status, **INTENT)
        for status in ("received", "duplicate", "conflict", "processed", "dead")
    }
    assert events == {"received": 1, "duplicate": 2, "conflict": 0, "processed": 1, "dead": 0}
    assert after.since(before, "payments_attempts_total", outcome="processed") == 1
    assert after.since(before, "payments_event_duration_seconds_count", provider="stripe") == 1
    assert after.since(before, "webhook_processing_duration_seconds_count", **INTENT) == 1
    assert after.since(before, "database_operations_total", table="events", operation="insert") == 3
    requests = {"endpoint": "/webhooks/<provider>", "method": "POST"}
    assert after.since(before, "http_requests_total", status_code="200", **requests) == 3
    assert after.since(before, "http_request_duration_seconds_count", **requests) == 3


def test_failed_attempts_and_the_death_are_counted(make_application: MakeApplication) -> None:
    application = make_application(RETRY_MAX_ATTEMPTS="3")

    @handles("stripe", "payment_intent.succeeded")
    def fail(event: object, session: object, effects: object) -> None:
        raise ConnectionError

    before = page_of(application)
    application.deliver()
    application.work()
    after = page_of(application)
    assert after.since(before, "payments_attempts_total", outcome="failed") == 3
    assert after.since(before, "webhook_processing_duration_seconds_count", **INTENT) == 3
    assert after.since(before, "webhook_events_total", status="dead", **INTENT) == 1
    assert after.value("payments_dead_letters") == 1
    assert after.value("payments_failed_jobs") == 1


def test_a_conflict_is_not_counted_as_a_duplicate(application: Application) -> None:
    before = page_of(application)
    event = stripe_event()
    application.deliver(event)
    application.deliver({**event, "data": {"object": {"id": "pi_other", "object": "charge"}}})
    after = page_of(application)
    assert after.since(before, "webhook_events_total", status="conflict") == 1
    assert after.since(before, "webhook_events_total", status="duplicate") == 0


def test_signatures_are_counted_by_whether_they_are_right(application: Application) -> None:
    before = page_of(application)
    application.deliver()
    application.deliver(headers={"Stripe-Signature": "t=1,v1=00"})
    application.deliver(paypal_event(), provider="paypal")
    after = page_of(application)
    name = "webhook_signature_validations_total"
    assert after.since(before, name, provider="stripe", result="valid") == 1
    assert after.since(before, name, provider="stripe", result="invalid") == 1
    assert after.since(before, name, provider="paypal", result="valid") == 1


def test_a_type_that_only_a_pattern_handles_goes_by_the_pattern(application: Application) -> None:
    @handles("stripe", "customer.*")
    def welcome(event: object, session: object, effects: object) -> None:
        raise PermanentFailure("no")

    before = page_of(application)
    application.deliver(customer_event())
    after = page_of(application)
    assert after.since(before, "webhook_events_total", event_type="customer.*") == 1


def test_without_metrics_nothing_is_counted_and_the_page_still_says_how_things_stand(
    make_application: MakeApplication,
) -> None:
    application = make_application(METRICS_ENABLED="0")
    before = page_of(application)
    application.deliver()
    after = page_of(application)
    assert after.since(before, "webhook_events_total") == 0
    assert after.since(before, "http_requests_total") == 0
    assert after.value("payments_unfinished_events", status="received") == 1


def test_from_elsewhere_the_page_wants_a_token(make_application: MakeApplication) -> None:
    application = make_application(METRICS_TOKEN="metrics-8d1f6c0b52ae")
    elsewhere = {"REMOTE_ADDR": "203.0.113.9"}
    refused = application.client.get("/metrics", environ_overrides=elsewhere)
    assert refused.status_code == 401
    headers = {"Authorization": "Bearer metrics-8d1f6c0b52ae"}
    shown = application.client.get("/metrics", headers=headers, environ_overrides=elsewhere)
    assert shown.status_code == 200
