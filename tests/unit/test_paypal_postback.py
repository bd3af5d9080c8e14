"""The postback scheme: PayPal is asked, in PayPal's own words."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import pytest

from payments.errors import ProviderUnavailable, SignatureError
from payments.providers.bounded_http import BoundedHttp
from payments.providers.paypal.api import OPEN_SECONDS, PayPalApi
from payments.providers.paypal.postback import PostbackScheme, verification_request
from payments.providers.paypal.provider import PayPal
from payments.providers.paypal.transmission import Transmission
from tests.standins.deliveries import deliver, paypal_for
from tests.standins.paypal import CERTIFICATES, TOKEN, VERIFY, PayPalStandIn

BODY = '{ "id":"WH-1", "event_type":"X",\n "note": "caf\u00e9 \\u00e9 1.0 1e2"}'.encode()


@pytest.fixture
def standin() -> Iterator[PayPalStandIn]:
    with PayPalStandIn() as running:
        yield running


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def postback(standin: PayPalStandIn, **environ: str) -> PayPal:
    return paypal_for(standin, PAYPAL_VERIFY="postback", **environ)


def with_clock(standin: PayPalStandIn, clock: Clock) -> PayPal:
    """The postback with `clock`, and little patience."""
    configured = postback(standin)
    assert isinstance(configured.scheme, PostbackScheme)
    http = BoundedHttp(total_seconds=0.5)
    api = PayPalApi(standin.base_url, standin.client_id, standin.client_secret, http, clock)
    scheme = PostbackScheme(
        webhook_ids=configured.scheme.webhook_ids,
        tolerance_seconds=300,
        origins=(standin.base_url,),
        api=api,
    )
    return PayPal(mode="sandbox", scheme=scheme, api=api)


def prove(paypal: PayPal, standin: PayPalStandIn, body: bytes = BODY) -> str:
    return paypal.prove(deliver(body, standin.deliver_headers(body))).secret_label


def test_a_delivery_that_paypal_confirms_is_genuine(standin: PayPalStandIn) -> None:
    assert prove(postback(standin), standin).endswith(" postback")
    assert (standin.count(TOKEN), standin.count(VERIFY)) == (1, 1)
    assert standin.count(CERTIFICATES) == 0


def test_the_event_is_sent_on_byte_for_byte(standin: PayPalStandIn) -> None:
    prove(postback(standin), standin)
    question = standin.requests[-1].body
    assert question.endswith(b'"webhook_event": ' + BODY + b"}")
    assert list(json.loads(question))[-1] == "webhook_event"


def test_a_delivery_that_paypal_denies_is_a_bad_signature(standin: PayPalStandIn) -> None:
    headers = standin.deliver_headers(BODY)
    with pytest.raises(SignatureError):
        postback(standin).prove(deliver(BODY + b" ", headers))


@pytest.mark.parametrize(
    "body",
    [
        b'{},"webhook_id":"8WH1234567890ABCD"',
        b'{"id":"WH-1"},"webhook_event":{}',
        b'{"id":"WH-1"} {}',
        b"[]",
        b'"{}"',
        b"1",
        b"",
        b"null",
        b"{",
        b'{"a":NaN}',
        b'\xef\xbb\xbf{"id":"WH-1"}',
        b'{"id":"\xff"}',
        '{"id":"WH-1"}'.encode("utf-16"),
        b"{" * 5000,
        b'{"a":' * 100 + b"1" + b"}" * 100,
        b'{"id":"WH-1","id":"WH-2"}',
        b'{"id":"WH-1","resource":{"a":1,"a":2}}',
    ],
)
def test_a_body_that_could_say_more_than_an_event_is_never_sent_on(
    standin: PayPalStandIn, body: bytes
) -> None:
    with pytest.raises(SignatureError):
        prove(postback(standin), standin, body)
    assert standin.count() == 0


def test_bad_headers_are_refused_before_paypal_is_asked(standin: PayPalStandIn) -> None:
    headers = standin.deliver_headers(BODY)
    for name in headers:
        if name.startswith("PAYPAL") and name != "PAYPAL-AUTH-VERSION":
            with pytest.raises(SignatureError):
                postback(standin).prove(deliver(BODY, {**headers, name: "|"}))
    assert standin.count() == 0


def test_a_question_is_json_whose_fields_cannot_be_overridden() -> None:
    moment = datetime(2026, 5, 1, tzinfo=UTC)
    transmission = Transmission('a"b\\', "2026-05-01T00:00:00Z", moment, "https://x/y", "c2ln")
    question = json.loads(verification_request(transmission, "8WH", b'{"webhook_id":"z"}'))
    assert question["transmission_id"] == 'a"b\\'
    assert question["webhook_id"] == "8WH"
    assert question["webhook_event"] == {"webhook_id": "z"}


def test_each_webhook_id_is_tried(standin: PayPalStandIn) -> None:
    paypal = postback(standin, PAYPAL_WEBHOOK_ID=f"8WHOLD,{standin.webhook_id}")
    prove(paypal, standin)  # PayPal does not know the first one any more, and says 404
    assert standin.count(VERIFY) == 2
    standin.webhook_ids.add("8WHOLD")
    prove(paypal, standin)


def test_a_webhook_id_that_paypal_does_not_know_leaves_it_open(standin: PayPalStandIn) -> None:
    standin.webhook_ids.clear()
    with pytest.raises(ProviderUnavailable):
        prove(postback(standin), standin)


def test_one_token_serves_many_deliveries(standin: PayPalStandIn) -> None:
    paypal = postback(standin)
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: prove(paypal, standin), range(24)))
    assert (standin.count(TOKEN), standin.count(VERIFY)) == (1, 24)


def test_a_token_is_renewed_before_it_expires(standin: PayPalStandIn) -> None:
    clock = Clock()
    standin.token_seconds = 600
    paypal = with_clock(standin, clock)
    prove(paypal, standin)
    clock.now += 539
    prove(paypal, standin)
    assert standin.count(TOKEN) == 1
    clock.now += 1
    prove(paypal, standin)
    assert standin.count(TOKEN) == 2


def test_a_token_that_is_refused_is_replaced_once(standin: PayPalStandIn) -> None:
    paypal = postback(standin)
    prove(paypal, standin)
    standin.expire_tokens()
    prove(paypal, standin)
    assert standin.count(TOKEN) == 2
    standin.misbehave(VERIFY, "401")
    with pytest.raises(ProviderUnavailable):
        prove(paypal, standin)
    assert (standin.count(TOKEN), standin.count(VERIFY)) == (3, 5)


@pytest.mark.parametrize("path", [TOKEN, VERIFY])
@pytest.mark.parametrize(
    "fault",
    [
        "500",
        "503",
        "429",
        "400",
        "403",
        "hang",
        "html",
        "huge",
        "redirect",
        "garbage",
        "drip",
        "drop",
        "cut",
    ],
)
def test_whatever_else_paypal_does_is_unavailable(
    standin: PayPalStandIn, path: str, fault: str
) -> None:
    standin.misbehave(path, fault)
    with pytest.raises(ProviderUnavailable):
        prove(with_clock(standin, Clock()), standin)


@pytest.mark.parametrize(
    "answer", [b"{}", b"[]", b'{"verification_status": true}', b'{"verification_status":"success"}']
)
def test_only_the_word_success_is_a_success(standin: PayPalStandIn, answer: bytes) -> None:
    standin.serve(VERIFY, answer)
    with pytest.raises(ProviderUnavailable):
        prove(postback(standin), standin)


@pytest.mark.parametrize(
    "grant",
    [
        {"access_token": "", "expires_in": 9},
        {"access_token": "a\r\nX: y", "expires_in": 9},
        {"access_token": "abc"},
        {"access_token": "abc", "expires_in": "soon"},
        {"access_token": "abc", "expires_in": True},
        {"access_token": 5, "expires_in": 9},
    ],
)
def test_a_token_that_cannot_be_used_is_not_used(
    standin: PayPalStandIn, grant: dict[str, object]
) -> None:
    standin.serve(TOKEN, json.dumps(grant).encode())
    with pytest.raises(ProviderUnavailable):
        prove(postback(standin), standin)
    assert standin.count(VERIFY) == 0


def test_after_a_failure_others_do_not_wait_for_a_while(standin: PayPalStandIn) -> None:
    clock = Clock()
    paypal = with_clock(standin, clock)
    standin.misbehave(VERIFY, "500")
    for _ in range(3):
        with pytest.raises(ProviderUnavailable):
            prove(paypal, standin)
    assert standin.count(VERIFY) == 1
    standin.behave()
    clock.now += OPEN_SECONDS
    prove(paypal, standin)
    prove(paypal, standin)


def test_a_delivery_that_paypal_denies_does_not_hold_up_the_next(standin: PayPalStandIn) -> None:
    paypal = postback(standin)
    with pytest.raises(SignatureError):
        paypal.prove(deliver(BODY + b" ", standin.deliver_headers(BODY)))
    prove(paypal, standin)


def test_bad_credentials_are_logged_without_them(
    standin: PayPalStandIn, caplog: pytest.LogCaptureFixture
) -> None:
    secret = "wrong-7c1e9a5d3b"
    with caplog.at_level(logging.DEBUG), pytest.raises(ProviderUnavailable):
        prove(postback(standin, PAYPAL_CLIENT_SECRET=secret), standin)
    assert "PAYPAL_CLIENT_SECRET" in caplog.text
    assert secret not in caplog.text
    assert standin.client_id not in caplog.text
    assert standin.webhook_id not in caplog.text
