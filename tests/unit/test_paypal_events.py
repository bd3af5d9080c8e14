"""What is read from PayPal's events, and the demo's own signatures."""

from __future__ import annotations

import json
import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from payments.errors import MalformedEvent, SignatureError
from payments.providers.paypal.provider import PayPal
from tests.standins.deliveries import configured, deliver

NOW = datetime(2026, 5, 1, tzinfo=UTC)
DEMO = {"PAYPAL_MODE": "demo_hmac", "DEMO_HMAC_SECRET": "old-4b8f2a6c,new-1d9e7035"}
EVENT: dict[str, Any] = {"id": "WH-1", "event_type": "PAYMENT.CAPTURE.COMPLETED"}
FOLDER = os.environ.get("VECTORS")
FILES = sorted(Path(FOLDER, "paypal_events").glob("*.json")) if FOLDER else []


@pytest.fixture
def demo() -> PayPal:
    return configured(DEMO)


def facts(event: Any, mode: str = "sandbox") -> Any:
    paypal = configured({"PAYPAL_MODE": mode, "PAYPAL_WEBHOOK_ID": "8WH123"})
    return paypal.read(json.dumps(event).encode())


@pytest.mark.skipif(not FILES, reason="VECTORS names no folder of events")
@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_real_events_are_read(file: Path) -> None:
    event = json.loads(file.read_bytes())
    read = facts(event)
    assert (read.event_id, read.event_type) == (event["id"], event["event_type"])
    assert read.object_id is not None
    assert read.api_version == event.get("resource_version", "1.0")
    if "-19-" not in event["create_time"]:  # the simulator's month 19
        assert read.provider_created_at is not None


@pytest.mark.parametrize(
    ("resource", "object_id"),
    [
        ({"id": "A", "order_id": "B"}, "A"),
        ({"dispute_id": "PP-D-1"}, "PP-D-1"),
        ({"order_id": "O1", "links": []}, "O1"),
        ({"payout_batch_id": "B", "payout_item_id": "I"}, "I"),
        ({"batch_header": {"payout_batch_id": "B"}}, "B"),
        ({"invoice": {"id": "INV2-1"}}, "INV2-1"),
        ({"id": 5, "dispute_id": "D"}, "D"),
        ({"id": "with space"}, None),
        ({"id": ""}, None),
        ({}, None),
        ([], None),
        ("x", None),
        (None, None),
    ],
)
def test_the_object_is_found_where_the_resource_keeps_its_id(
    resource: Any, object_id: str | None
) -> None:
    assert facts({**EVENT, "resource": resource}).object_id == object_id


def test_an_event_needs_neither_resource_nor_version_nor_time() -> None:
    read = facts(EVENT)
    assert (read.object_id, read.api_version, read.provider_created_at) == (None, None, None)


def test_the_version_of_the_resource_goes_before_that_of_the_event() -> None:
    assert facts({**EVENT, "event_version": "1.0"}).api_version == "1.0"
    versions = {"event_version": "1.0", "resource_version": "2.0"}
    assert facts({**EVENT, **versions}).api_version == "2.0"


def test_the_mode_says_whether_it_is_live(demo: PayPal) -> None:
    assert facts(EVENT, "live").livemode is True
    assert facts(EVENT, "sandbox").livemode is False
    assert demo.read(json.dumps(EVENT).encode()).livemode is False


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"{}",
        b'{"id":"WH-1"}',
        b'{"id":"","event_type":"X"}',
        b'{"id":1,"event_type":2}',
        b'{"id":"a b","event_type":"X"}',
        b"\xff",
        b'{"id":',
    ],
)
def test_what_is_no_event_is_malformed(demo: PayPal, body: bytes) -> None:
    with pytest.raises(MalformedEvent):
        demo.read(body)


def test_the_demo_verifies_what_it_signs(demo: PayPal) -> None:
    body = json.dumps(demo.sample("CHECKOUT.ORDER.APPROVED", "WH-1", NOW)).encode()
    event = demo.verify(deliver(body, demo.sign(body, NOW)))
    assert event.facts.event_id == "WH-1"
    assert event.proof.secret_label.startswith("DEMO_HMAC_SECRET#")
    assert event.proof.transmission_id is None


def test_the_demo_takes_any_of_its_secrets_in_either_case(demo: PayPal) -> None:
    rotated = configured({**DEMO, "DEMO_HMAC_SECRET": "new-1d9e7035"})
    headers = rotated.sign(b"{}", NOW)
    assert demo.prove(deliver(b"{}", headers)) == rotated.prove(deliver(b"{}", headers))
    upper = {name: value.upper() for name, value in headers.items()}
    demo.prove(deliver(b"{}", upper))


@pytest.mark.parametrize(
    "value", ["", "0", "g" * 64, "0" * 63, "0" * 65, "0" * 64, "\u0660" * 64, "é"]
)
def test_the_demo_refuses_any_other_signature(demo: PayPal, value: str) -> None:
    with pytest.raises(SignatureError):
        demo.prove(deliver(b"{}", {"X-Demo-Signature": value}))


def test_the_demo_refuses_a_changed_body_and_a_missing_header(demo: PayPal) -> None:
    with pytest.raises(SignatureError):
        demo.prove(deliver(b"{} ", demo.sign(b"{}", NOW)))
    with pytest.raises(SignatureError):
        demo.prove(deliver(b"{}", {}))


def test_only_the_demo_can_sign() -> None:
    paypal = configured({"PAYPAL_WEBHOOK_ID": "8WH123"})
    with pytest.raises(NotImplementedError, match="PAYPAL_MODE=demo_hmac"):
        paypal.sign(b"{}", NOW)
