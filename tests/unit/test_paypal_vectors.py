"""Real deliveries of PayPal's webhook simulator, recorded in 2024, with the certificate of then."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from payments.errors import SignatureError
from payments.providers.paypal.certificates import CertificateScheme
from payments.providers.paypal.provider import PayPal
from tests.standins.deliveries import configured, deliver
from tests.standins.paypal import PayPalStandIn

VECTORS = Path(os.environ.get("VECTORS", ""), "paypal_signatures")
FILES = sorted(VECTORS.glob("simulator_*.json")) if os.environ.get("VECTORS") else []

pytestmark = pytest.mark.skipif(not FILES, reason="VECTORS names no folder of recorded deliveries")


@pytest.fixture(params=FILES, ids=lambda file: file.stem)
def vector(request: pytest.FixtureRequest) -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads(request.param.read_text())
    return loaded


@pytest.fixture
def one() -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads(FILES[0].read_text())
    return loaded


def sent_at(vector: dict[str, Any]) -> datetime:
    return datetime.fromisoformat(vector["headers"]["paypal-transmission-time"])


def receiver(vector: dict[str, Any], webhook_id: str = "WEBHOOK_ID", **more: str) -> PayPal:
    paypal = configured({"PAYPAL_WEBHOOK_ID": webhook_id, **more})
    assert isinstance(paypal.scheme, CertificateScheme)
    paypal.scheme.cache.remember(vector["headers"]["paypal-cert-url"], vector["cert_pem"].encode())
    return paypal


def refused(paypal: PayPal, vector: dict[str, Any], body: bytes, at: datetime | None = None) -> str:
    with pytest.raises(SignatureError) as caught:
        paypal.prove(deliver(body, vector["headers"], at or sent_at(vector)))
    return caught.value.reason


def test_a_recorded_delivery_is_genuine_at_its_own_time(vector: dict[str, Any]) -> None:
    body = vector["body"].encode()
    event = receiver(vector).verify(deliver(body, vector["headers"], sent_at(vector)))
    assert event.facts.event_id == json.loads(body)["id"]
    assert event.facts.livemode is False
    assert event.proof.transmission_id == vector["headers"]["paypal-transmission-id"]
    assert event.proof.secret_label.startswith("PAYPAL_WEBHOOK_ID#")
    assert " certificate#" in event.proof.secret_label


def test_it_matches_any_of_several_webhook_ids(one: dict[str, Any]) -> None:
    paypal = receiver(one, "8WH000,WEBHOOK_ID")
    paypal.prove(deliver(one["body"].encode(), one["headers"], sent_at(one)))


def test_every_change_of_one_byte_is_refused(one: dict[str, Any]) -> None:
    paypal, body = receiver(one), bytearray(one["body"].encode())
    for index in range(len(body)):
        body[index] ^= 1
        assert refused(paypal, one, bytes(body)) == "no signature matches"
        body[index] ^= 1


def changed_bodies(body: str) -> Iterator[str]:
    yield json.dumps(json.loads(body))
    yield json.dumps(json.loads(body), separators=(",", ":"), sort_keys=True)
    yield body + "\n"
    yield body[:-1]
    yield ""


def test_an_event_that_was_written_anew_is_refused(vector: dict[str, Any]) -> None:
    for body in changed_bodies(vector["body"]):
        assert refused(receiver(vector), vector, body.encode()) == "no signature matches"


def test_another_webhook_id_is_refused(one: dict[str, Any]) -> None:
    assert refused(receiver(one, "8WH000"), one, one["body"].encode()) == "no signature matches"


@pytest.mark.parametrize("header", ["id", "time", "sig"])
def test_the_headers_of_another_delivery_are_refused(one: dict[str, Any], header: str) -> None:
    other = json.loads(FILES[1].read_text())
    name = f"paypal-transmission-{header}"
    mixed = {**one, "headers": {**one["headers"], name: other["headers"][name]}}
    assert refused(receiver(one), mixed, one["body"].encode(), sent_at(one))


@pytest.mark.parametrize("late", [timedelta(days=3, seconds=1), timedelta(seconds=-301)])
def test_a_delivery_at_a_wrong_time_is_refused(one: dict[str, Any], late: timedelta) -> None:
    reason = refused(receiver(one), one, one["body"].encode(), sent_at(one) + late)
    assert reason == "transmission time outside of the tolerance"


def test_a_retry_within_three_days_is_genuine(one: dict[str, Any]) -> None:
    at = sent_at(one) + timedelta(days=2, hours=23)
    receiver(one).prove(deliver(one["body"].encode(), one["headers"], at))


def test_a_live_receiver_takes_the_same_certificate(one: dict[str, Any]) -> None:
    paypal = receiver(one, "8WH000", PAYPAL_MODE="live")
    assert refused(paypal, one, one["body"].encode()) == "no signature matches"


def test_paypals_chain_is_not_genuine_for_another_authority(one: dict[str, Any]) -> None:
    """A stand-in's leaf at PayPal's URL, with DigiCert alone trusted."""
    with PayPalStandIn() as standin:
        paypal = receiver({**one, "cert_pem": standin.signer.pem.decode()})
        body = one["body"].encode()
        headers = standin.deliver_headers(
            body, "WEBHOOK_ID", certificate_url=one["headers"]["paypal-cert-url"]
        )
        with pytest.raises(SignatureError) as caught:
            paypal.prove(deliver(body, headers))
    assert caught.value.reason == "certificate does not chain to a trusted root"
