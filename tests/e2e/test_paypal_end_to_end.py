"""PayPal's deliveries, proven by certificate and by asking PayPal, against the running service."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from payments.extensions import Base
from tests.e2e.handlers import CALLS
from tests.standins.certificates import issue, rsa_private_key
from tests.standins.paypal import CERTIFICATES, SIGNER_NAME, TOKEN, VERIFY, PayPalStandIn
from tests.support.collisions import FILLER, collide
from tests.support.databases import connected, empty_database
from tests.support.deliveries import encode, paypal_event, unique
from tests.support.operator import UNFINISHED, Operator
from tests.support.service import Answer, Service
from tests.support.waiting import eventually

SCHEMES = ("certificate", "postback")
WEB_PROCESSES = 2
# An unavailable certificate is asked for again after 10 s, PayPal's API after 5 s.
RECOVERY_SECONDS = 30
# One hanging step takes 4 s; in all it is 10 s.
ANSWER_SECONDS = 15


COUNTS = ("delivery_counts", "secret_uses")


class Receiver:
    """A running service and the PayPal that it talks to."""

    def __init__(self, scheme: str, service: Service, paypal: PayPalStandIn) -> None:
        self.scheme = scheme
        self.service = service
        self.paypal = paypal
        self.operator = Operator(service.url)

    def deliver(self, body: bytes, headers: dict[str, str] | None = None) -> Answer:
        """POST `body`, signed by the stand-in where no headers are given."""
        headers = headers or self.paypal.deliver_headers(body)
        path = "/webhooks/paypal"
        return self.service.request("POST", path, body, headers, seconds=ANSWER_SECONDS)

    def rows(self) -> dict[str, list[Any]]:
        """Everything in every table, the handler's included, once all events have ended.

        But for the counts of deliveries: refused ones count, and are written a little later.
        """
        unfinished = [e["event_id"] for e in self.operator.events() if e["status"] in UNFINISHED]
        for event_id in unfinished:
            self.operator.finished(event_id)
        url = self.service.environment["DATABASE_URL"]
        with connected(url) as engine, engine.connect() as connection:
            return {
                table.name: list(connection.execute(select(table)).all())
                for table in (*Base.metadata.sorted_tables, CALLS)
                if table.name not in COUNTS
            }

    def fresh_certificate(self) -> str:
        """A URL of the signer's certificate that the service has not heard of yet."""
        return self.paypal.serve_certificate(unique("CERT"), self.paypal.signer.pem)


@pytest.fixture(scope="module", params=SCHEMES)
def receiver(
    request: pytest.FixtureRequest,
    tmp_path_factory: pytest.TempPathFactory,
    valkey_server: str,
) -> Iterator[Receiver]:
    folder = tmp_path_factory.mktemp("paypal")
    with PayPalStandIn(tls=True) as paypal, empty_database("sqlite", folder, request) as url:
        with connected(url) as engine:
            CALLS.create(engine)
        authority = folder / "ca.pem"
        authority.write_bytes(paypal.ca_pem)
        service = Service(
            folder,
            url,
            valkey_server,
            WEB_CONCURRENCY=str(WEB_PROCESSES),
            PAYMENTS_HANDLERS="tests.e2e.handlers",
            PAYPAL_MODE="sandbox",
            PAYPAL_VERIFY=request.param,
            PAYPAL_WEBHOOK_ID=paypal.webhook_id,
            PAYPAL_CLIENT_ID=paypal.client_id,
            PAYPAL_CLIENT_SECRET=paypal.client_secret,
            PAYPAL_API_BASE=paypal.base_url,
            PAYPAL_CA_FILE=str(authority),
        )
        with service.started(workers=1):
            yield Receiver(request.param, service, paypal)


def assert_refused(receiver: Receiver, body: bytes, headers: dict[str, str]) -> None:
    """400, and not a trace in any table."""
    before = receiver.rows()
    answer = receiver.deliver(body, headers)
    assert (answer.status, b"Bad signature" in answer.body) == (400, True), answer
    assert receiver.rows() == before


def body_of(receiver: Receiver, event_id: str) -> list[bytes]:
    return [row.body for row in receiver.rows()["calls"] if row.event_id == event_id]


def test_a_genuine_delivery_is_accepted_and_processed(receiver: Receiver) -> None:
    event = paypal_event(summary="Zahlung über 30,00 €")
    body = encode(event)
    assert receiver.deliver(body).status == 200
    ended = receiver.operator.finished(event["id"])
    assert (ended["status"], ended["event_type"]) == ("processed", event["event_type"])
    assert ended["object_id"] == event["resource"]["id"]
    assert ended["secret_label"].startswith("PAYPAL_WEBHOOK_ID#")
    assert receiver.scheme in ended["secret_label"]
    assert body_of(receiver, event["id"]) == [body]


def test_the_same_delivery_again_is_a_duplicate(receiver: Receiver) -> None:
    body = encode(event := paypal_event())
    headers = receiver.paypal.deliver_headers(body)
    assert b"queued" in receiver.deliver(body, headers).body
    receiver.operator.finished(event["id"])
    for again in (headers, receiver.paypal.deliver_headers(body)):
        answer = receiver.deliver(body, again)
        assert (answer.status, b"duplicate ignored" in answer.body) == (200, True)
    assert body_of(receiver, event["id"]) == [body]


def test_a_changed_body_is_refused(receiver: Receiver) -> None:
    body = encode(paypal_event())
    headers = receiver.paypal.deliver_headers(body)
    assert_refused(receiver, body.replace(b"30.00", b"31.00"), headers)
    assert_refused(receiver, body + b" ", headers)


@pytest.mark.parametrize("header", ["ID", "TIME", "SIG"])
def test_a_changed_header_is_refused(receiver: Receiver, header: str) -> None:
    body = encode(paypal_event())
    headers = receiver.paypal.deliver_headers(body)
    other = receiver.paypal.deliver_headers(body, time="2026-01-02T03:04:05Z")
    name = f"PAYPAL-TRANSMISSION-{header}"
    assert_refused(receiver, body, headers | {name: other[name]})


def test_a_delivery_for_another_webhook_is_refused(receiver: Receiver) -> None:
    body = encode(paypal_event())
    headers = receiver.paypal.deliver_headers(body, webhook_id="WEBHOOK_ID")
    assert_refused(receiver, body, headers)


def test_a_delivery_without_a_signature_is_refused(receiver: Receiver) -> None:
    assert_refused(receiver, encode(paypal_event()), {"Content-Type": "application/json"})


def test_a_certificate_of_another_host_is_refused_and_nobody_is_asked(receiver: Receiver) -> None:
    body = encode(paypal_event())
    with PayPalStandIn(tls=True) as stranger:
        asked = receiver.paypal.count()
        own = receiver.paypal.certificate_url
        for url in (
            stranger.certificate_url,
            stranger.certificate_url.replace("https:", "http:"),
            own.replace("127.0.0.1", "localhost"),
            own.replace("https://", f"https://{stranger.base_url.partition('//')[2]}@"),
            own.replace(CERTIFICATES, f"{CERTIFICATES}../"),
            own + "?x",
        ):
            headers = stranger.deliver_headers(
                body, receiver.paypal.webhook_id, certificate_url=url
            )
            assert_refused(receiver, body, headers)
        assert stranger.requests == []
        assert receiver.paypal.count() == asked


def test_a_certificate_is_fetched_once_for_many_deliveries(receiver: Receiver) -> None:
    """Once by each web process, to be exact; and never where PayPal is asked instead."""
    url = receiver.fresh_certificate()
    for _ in range(20):
        body = encode(paypal_event())
        headers = receiver.paypal.deliver_headers(body, certificate_url=url)
        assert receiver.deliver(body, headers).status == 200
    fetched = receiver.paypal.count(url.removeprefix(receiver.paypal.base_url))
    if receiver.scheme == "certificate":
        assert 1 <= fetched <= WEB_PROCESSES
    else:
        assert fetched == 0


def test_paypal_is_asked_once_for_each_delivery_and_with_one_token(receiver: Receiver) -> None:
    """And not at all where the certificate proves it."""
    asked = receiver.paypal.count(VERIFY)
    for _ in range(10):
        assert receiver.deliver(encode(paypal_event())).status == 200
    asked = receiver.paypal.count(VERIFY) - asked
    if receiver.scheme == "postback":
        assert asked == 10
        assert 1 <= receiver.paypal.count(TOKEN) <= WEB_PROCESSES
    else:
        assert (asked, receiver.paypal.count(TOKEN)) == (0, 0)


def test_a_signature_of_somebody_else_is_refused(receiver: Receiver) -> None:
    """By the right name, at the right place, but of another authority."""
    key = rsa_private_key("somebody else")
    forged = issue(SIGNER_NAME, issue("Stand-in Intermediate", authority=True, key=key), key=key)
    url = receiver.paypal.serve_certificate(unique("CERT"), forged.pem)
    body = encode(paypal_event())
    headers = receiver.paypal.deliver_headers(body, certificate_url=url, signer=forged)
    assert_refused(receiver, body, headers)


@pytest.mark.parametrize("same_event", [True, False], ids=["same event id", "another event id"])
def test_another_body_with_the_same_crc32_under_a_known_transmission_is_refused(
    receiver: Receiver, same_event: bool
) -> None:
    """The signature holds, because it covers the body by its CRC32 alone."""
    event = paypal_event(summary="a genuine one")
    body = encode(event)
    headers = receiver.paypal.deliver_headers(body)
    assert receiver.deliver(body, headers).status == 200
    kept = receiver.operator.finished(event["id"])
    forged = dict(event, summary=FILLER.decode(), resource={"id": "CAP-9", "amount": "9000.00"})
    if not same_event:
        forged["id"] = unique("WH")
    collision = collide(encode(forged), zlib.crc32(body))
    assert collision != body
    assert_refused(receiver, collision, headers)
    assert receiver.operator.finished(event["id"]) == kept
    assert body_of(receiver, event["id"]) == [body]


def test_while_paypal_is_away_nothing_is_kept_and_redeliveries_are_accepted_afterwards(
    receiver: Receiver,
) -> None:
    waiting: list[tuple[bytes, dict[str, str]]] = []
    before = receiver.rows()
    try:
        # The first one costs time; after it, PayPal's API is not asked for a while.
        for fault in ("hang", "drop", "500"):
            receiver.paypal.misbehave("/", fault)
            body = encode(paypal_event())
            url = receiver.fresh_certificate()
            headers = receiver.paypal.deliver_headers(body, certificate_url=url)
            answer = receiver.deliver(body, headers)
            assert answer.status == 503, answer
            assert int(answer.headers["retry-after"]) > 0
            waiting.append((body, headers))
        assert receiver.rows() == before
    finally:
        receiver.paypal.behave()
    eventually(
        lambda: all(receiver.deliver(*delivery).status == 200 for delivery in waiting),
        "the redeliveries are accepted",
        RECOVERY_SECONDS,
    )


def test_nothing_secret_is_in_the_logs(receiver: Receiver) -> None:
    """The last one of this file: it reads what all the others left behind."""
    folder: Path = receiver.service.folder
    logs = "".join(file.read_text() for file in folder.glob("*.log"))
    assert "/webhooks/<provider>" in logs
    secrets = [receiver.paypal.client_secret, receiver.paypal.webhook_id, "A21AA", "Zahlung"]
    assert not [secret for secret in secrets if secret in logs]
