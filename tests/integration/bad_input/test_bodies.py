"""Bodies that are no event, or too large."""

from __future__ import annotations

import io
import json
from typing import Any

import pytest

from tests.integration.bad_input.cases import LIMIT, each_provider, one_database
from tests.support.application import Application
from tests.support.deliveries import SIGNED, encode
from tests.support.refusals import assert_bad_signature, assert_refused


def deep(open_: str, close: str, levels: int = 100_000) -> bytes:
    return b'{"id": "evt_1", "type": "a", "event_type": "a", "x": %s}' % (
        (open_ * levels + "1" + close * levels).encode()
    )


EVENT = {"id": "evt_1", "type": "a.b", "event_type": "A.B"}
TEXT = json.dumps(EVENT)
BAD_BODIES: dict[str, bytes] = {
    "empty": b"",
    "white space": b" \r\n\t ",
    "not JSON": b"this is not valid JSON",
    "a form": b"id=evt_1&type=a.b",
    "XML": b"<?xml version='1.0'?><event/>",
    "not UTF-8": TEXT.encode().replace(b"a.b", b"a.\xff"),
    "overlong UTF-8": TEXT.encode().replace(b"a.b", b"a.\xc0\xae"),
    "UTF-8 of a surrogate": TEXT.encode().replace(b"a.b", b"a.\xed\xa0\x80"),
    "a byte order mark": b"\xef\xbb\xbf" + TEXT.encode(),
    "UTF-16": TEXT.encode("utf-16"),
    "UTF-16 without a mark": TEXT.encode("utf-16-le"),
    "UTF-32": TEXT.encode("utf-32"),
    "gzip": b"\x1f\x8b\x08\x00" + bytes(60),
    "an array": b"[" + TEXT.encode() + b"]",
    "a string": b'"evt_1"',
    "a number": b"1",
    "null": b"null",
    "true": b"true",
    "an empty object": b"{}",
    "an empty array": b"[]",
    "truncated": TEXT.encode()[:-1],
    "truncated within a string": TEXT.encode()[:-4],
    "two events": TEXT.encode() * 2,
    "something behind it": TEXT.encode() + b"[",
    "single quotes": TEXT.replace('"', "'").encode(),
    "a trailing comma": TEXT[:-1].encode() + b",}",
    "a comment": b"/* */" + TEXT.encode(),
    "NaN": b'{"x": NaN, ' + TEXT[1:].encode(),
    "Infinity": b'{"x": Infinity, ' + TEXT[1:].encode(),
    "-Infinity": b'{"x": [-Infinity], ' + TEXT[1:].encode(),
    "an integer of 10,000 digits": b'{"x": %s, ' % (b"9" * 10_000) + TEXT[1:].encode(),
    "a raw NUL in a string": TEXT.encode().replace(b"a.b", b"a.\0"),
    "a raw NUL behind it": TEXT.encode() + b"\0",
    "NULs": bytes(100),
    "a raw newline in a string": TEXT.encode().replace(b"a.b", b"a.\n"),
    "arrays 100,000 deep": deep("[", "]"),
    "objects 100,000 deep": deep('{"a":', "}"),
    "arrays and objects 100,000 deep": deep('[{"a":', "}]"),
    "arrays 100,000 deep and truncated": b"[" * 100_000,
    "objects 100,000 deep and truncated": b'{"a":' * 100_000,
    "100,000 closing brackets first": b"]" * 100_000 + b"[" * 100_000,
    "65 levels deep": deep("[", "]", 64),
    "65 levels deep behind an escaped quote": b'{"s": "\\"", ' + deep("[", "]", 64)[1:],
    "65 levels deep behind a backslash": b'{"s": "\\\\", ' + deep("[", "]", 64)[1:],
}


@one_database
@each_provider
@pytest.mark.parametrize("case", BAD_BODIES)
def test_a_signed_body_that_is_no_event_is_refused(
    application: Application, provider: str, case: str
) -> None:
    response = application.deliver(BAD_BODIES[case], provider=provider)
    problem = assert_refused(application, response, 400)
    assert problem["title"] == "Malformed event"


@one_database
@each_provider
def test_a_body_is_not_looked_at_before_its_signature(
    application: Application, provider: str
) -> None:
    for body in BAD_BODIES.values():
        response = application.deliver_raw(body, {}, f"/webhooks/{provider}")
        assert_bad_signature(application, response)


@one_database
@each_provider
@pytest.mark.parametrize("chunked", [False, True], ids=["with Content-Length", "chunked"])
@pytest.mark.parametrize("signed", [False, True], ids=["unsigned", "signed"])
def test_a_body_over_the_limit_gets_a_413(
    application: Application, provider: str, chunked: bool, signed: bool
) -> None:
    body = encode({**SIGNED[provider][0](), "x": "a" * LIMIT})
    headers = SIGNED[provider][1](body) if signed else {}
    response = send(application, provider, body, headers, chunked=chunked)
    problem = assert_refused(application, response, 413)
    assert "MAX_REQUEST_SIZE" in problem["detail"]


@one_database
@each_provider
@pytest.mark.parametrize("chunked", [False, True], ids=["with Content-Length", "chunked"])
def test_a_body_of_exactly_the_limit_is_accepted(
    application: Application, provider: str, chunked: bool
) -> None:
    event = {**SIGNED[provider][0](), "x": ""}
    body = encode({**event, "x": "a" * (LIMIT - len(encode(event)))})
    assert len(body) == LIMIT
    response = send(application, provider, body, SIGNED[provider][1](body), chunked=chunked)
    assert response.status_code == 200


def send(
    application: Application, provider: str, body: bytes, headers: dict[str, str], chunked: bool
) -> Any:
    if not chunked:
        return application.deliver_raw(body, headers, f"/webhooks/{provider}")
    return application.client.post(
        f"/webhooks/{provider}",
        input_stream=io.BytesIO(body),
        headers={**headers, "Transfer-Encoding": "chunked"},
        environ_overrides={"wsgi.input_terminated": True},
    )


@one_database
@each_provider
@pytest.mark.parametrize(
    "content_type", ["", "text/plain", "application/x-www-form-urlencoded", "multipart/form-data"]
)
def test_the_content_type_does_not_change_which_bytes_are_verified(
    application: Application, provider: str, content_type: str
) -> None:
    response = application.deliver(provider=provider, headers={"Content-Type": content_type})
    assert response.status_code == 200
