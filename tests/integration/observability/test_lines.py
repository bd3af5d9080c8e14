"""Each request and each attempt leaves one line, and each line says which trace it belongs to."""

from __future__ import annotations

from typing import Any

import pytest

from payments.handlers.registry import handles
from tests.support.application import Application, MakeApplication
from tests.support.deliveries import (
    STRIPE_SECRET,
    customer_event,
    encode,
    stripe_event,
    stripe_headers,
)

TRACEPARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00"
Said = pytest.CaptureFixture[str]

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


def lines(said: Said, event: str) -> list[str]:
    """What was logged since the last time, of one event, by an application that the test made:
    it writes to where errors went when it was made."""
    return [line for line in said.readouterr().err.splitlines() if f"] {event} [" in line]


def test_a_delivery_is_one_line_with_what_it_was_and_what_came_of_it(
    make_application: MakeApplication, capfd: Said
) -> None:
    application, event = make_application(), stripe_event()
    for outcome in ("received", "duplicate"):
        answer = application.deliver(event, headers={"traceparent": TRACEPARENT})
        [line] = lines(capfd, "request")
        for part in (
            f"event_id={event['id']}",
            "event_type=payment_intent.succeeded",
            "id=1",
            "path=/webhooks/<provider>",
            "provider=stripe",
            "account=default",
            f"outcome={outcome}",
            "status=200",
            "ms=",
            f"request_id={answer.headers['X-Request-Id']}",
            f"trace_id={TRACEPARENT[3:35]}",
        ):
            assert part in line


def test_a_refusal_is_one_line_with_its_reason(
    make_application: MakeApplication, capfd: Said
) -> None:
    application, body = make_application(), encode(stripe_event())
    forged = stripe_headers(body, "whsec_another_0123456789")
    assert application.deliver_raw(body, forged, "/webhooks/stripe").status_code == 400
    [line] = lines(capfd, "request")
    assert "outcome=refused" in line
    assert "no signature matches" in line
    assert application.deliver_raw(body, forged, "/webhooks/stripe/nobody").status_code == 404
    [line] = lines(capfd, "request")
    assert "outcome=refused" in line
    assert "nobody" not in line


def test_a_database_that_is_away_is_one_line(
    make_application: MakeApplication, capfd: Said
) -> None:
    application = make_application()
    application.sql("DROP TABLE event_payloads")  # which to SQLite is no different
    capfd.readouterr()
    assert application.deliver().status_code == 503
    said = capfd.readouterr().err
    assert said.count("] request [") == 1
    for part in ("outcome=unavailable", "error=OperationalError", "reason='database away'"):
        assert part in said


def test_an_error_of_ours_is_one_line_with_its_exception_masked(
    make_application: MakeApplication, capfd: Said
) -> None:
    application = make_application()

    @application.app.get("/broken")
    def broken() -> str:
        raise LookupError(f"nobody is called {STRIPE_SECRET}")

    answer = application.client.get("/broken")
    said = capfd.readouterr().err
    assert answer.status_code == 500
    assert answer.headers["X-Trace-Id"] in said
    assert said.count("] request [") == 1
    assert "outcome=failed" in said
    assert "LookupError: nobody is called [masked]" in said


def test_an_attempt_is_one_line_in_the_trace_of_the_delivery(
    capfd: Said, make_application: MakeApplication
) -> None:
    application = make_application(RETRY_MAX_ATTEMPTS="2")

    @handles("stripe", "payment_intent.succeeded")
    def fails(*_: Any) -> None:
        raise ConnectionError("away")

    failing = stripe_event()
    answer = application.deliver(failing, headers={"traceparent": TRACEPARENT})
    ids = f"request_id={answer.headers['X-Request-Id']} "
    capfd.readouterr()
    application.work()
    retried, dead = lines(capfd, "attempt")
    for line in (retried, dead):
        for part in (f"event_id={failing['id']}", "provider=stripe", "outcome=failed", "ms=", ids):
            assert part in line
        assert f"trace_id={TRACEPARENT[3:35]}" in line
        assert "ConnectionError: away" in line
    assert "status=retrying" in retried
    assert "status=dead" in dead
    application.deliver(customer_event())
    capfd.readouterr()
    application.work()
    [line] = lines(capfd, "attempt")
    assert "outcome=ignored" in line
    assert ids not in line


@pytest.mark.parametrize(
    ("sent", "taken"),
    [
        (TRACEPARENT, True),
        (TRACEPARENT.replace("00-", "cc-", 1) + "-what-the-future-will-bring", True),
        (TRACEPARENT + "-more", False),
        (TRACEPARENT.upper(), False),
        (TRACEPARENT.replace("00-", "ff-", 1), False),
        ("00-" + "0" * 32 + TRACEPARENT[35:], False),
        (TRACEPARENT[:36] + "0" * 16 + "-01", False),
        (TRACEPARENT[:-1], False),
        (f"{TRACEPARENT},{TRACEPARENT}", False),
        (f" {TRACEPARENT}\\n", False),
    ],
)
def test_a_trace_is_taken_over_only_if_it_is_well_formed(
    application: Application, sent: str, taken: bool
) -> None:
    answer = application.deliver(headers={"traceparent": sent})
    assert (answer.headers["X-Trace-Id"] == TRACEPARENT[3:35]) == taken
    [(kept,)] = application.sql("SELECT traceparent FROM events")
    assert kept[3:35] == answer.headers["X-Trace-Id"]
    assert kept[36:52] != TRACEPARENT[36:52]


def test_every_answer_says_its_trace(application: Application) -> None:
    asked = [
        application.client.get("/health"),
        application.client.get("/nowhere"),
        application.client.put("/webhooks/stripe"),
        application.client.post("/webhooks/stripe", data=b"x" * 2_000_000),
        application.client.get("/admin/events"),
        application.client.get("/console"),
    ]
    assert [answer.status_code for answer in asked] == [200, 404, 405, 413, 401, 303]
    assert len({answer.headers["X-Trace-Id"] for answer in asked}) == len(asked)
