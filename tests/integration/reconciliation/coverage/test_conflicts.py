"""One event id with two contents is a finding, which only an operator can close."""

from __future__ import annotations

from typing import Any

from tests.standins.stripe_events import StripeEvents
from tests.support.application import Application
from tests.support.coverage import findings, made, reconcile


def told(service: Application) -> list[tuple[Any, ...]]:
    names = ("kind", "subject", "status", "expected", "found")
    return sorted(tuple(it[name] for name in names) for it in findings(service))


def test_each_other_content_under_a_taken_id_is_one_finding(service: Application) -> None:
    [event] = made(1)
    id, subject = event["id"], event["data"]["object"]
    service.deliver(event)
    for _ in range(2):
        service.deliver({**event, "type": "charge.refunded"})
        service.deliver({**event, "data": {"object": {**subject, "amount": 1}}})
    kept = f"payment_intent.succeeded about {subject['id']}"
    assert told(service) == [
        ("conflicting_event", id, "open", kept, f"charge.refunded about {subject['id']}"),
        ("conflicting_event", id, "open", kept, f"{kept}, with other content"),
    ]


def test_a_run_leaves_it_open_until_somebody_signs_it_off(
    service: Application, stripe: StripeEvents
) -> None:
    [event] = made(1)
    stripe.put(event)
    service.deliver(event)
    service.deliver({**event, "type": "charge.refunded"})
    assert reconcile(service, "--hours", "3")["status"] == "complete"
    [finding] = findings(service)
    assert finding["status"] == "open"
    service.cli("reconcile", "sign-off", str(finding["id"]), "--reason", "PayPal's simulator")
    service.deliver({**event, "type": "charge.refunded"})
    assert [it["status"] for it in findings(service)] == ["signed_off"]
