"""Bad input: each gets the right 4xx as problem details, and leaves nothing behind.

What only looks bad is at the end: it is genuine, so it is kept as it came and processed.
"""

from __future__ import annotations

import hashlib
import hmac
import io
import json
import time
from collections.abc import Callable
from typing import Any

import pytest

from payments.handlers import HandledEvent, handles
from tests.support.application import Application, MakeApplication
from tests.support.deliveries import (
    ADMIN_TOKEN,
    SIGNED,
    STRIPE_SECRET,
    encode,
    paypal_event,
    stripe_event,
    stripe_headers,
)
from tests.support.refusals import assert_bad_signature, assert_refused, problem_of, rows

# A refusal is decided before there is a database to ask.
one_database = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
each_provider = pytest.mark.parametrize("provider", sorted(SIGNED))

LIMIT = 1024 * 1024
ARABIC = str.maketrans("0123456789", "٠١٢٣٤٥٦٧٨٩")
FULL_WIDTH = str.maketrans("0123456789", "０１２３４５６７８９")  # noqa: RUF001
TYPE_FIELD = {"stripe": "type", "paypal": "event_type"}


def on_the_wire(text: str) -> str:
    """How WSGI shows a header that a client sent as UTF-8."""
    return text.encode().decode("latin-1")


def stripe_signature(body: bytes, timestamp: int, secret: str = STRIPE_SECRET) -> str:
    return hmac.new(secret.encode(), b"%d.%s" % (timestamp, body), hashlib.sha256).hexdigest()


# ── signatures ────────────────────────────────────────────────────────────────────────────────

WRONG = f"v1={'0' * 64},"
# Each from a timestamp and its right signature.
BAD_STRIPE_HEADERS: dict[str, Callable[[int, str], str]] = {
    "empty": lambda t, s: "",
    "a space": lambda t, s: " ",
    "a comma": lambda t, s: ",",
    "an equals sign": lambda t, s: "=",
    "words": lambda t, s: "i'm not even a real signature header",
    "no t": lambda t, s: f"v1={s}",
    "no v1": lambda t, s: f"t={t}",
    "an empty t": lambda t, s: f"t=,v1={s}",
    "an empty v1": lambda t, s: f"t={t},v1=",
    "a key alone": lambda t, s: f"t={t},v1={s},v1",
    "a trailing comma": lambda t, s: f"t={t},v1={s},",
    "a leading comma": lambda t, s: f",t={t},v1={s}",
    "semicolons": lambda t, s: f"t={t};v1={s}",
    "upper-case keys": lambda t, s: f"T={t},V1={s}",
    "t twice, the same": lambda t, s: f"t={t},t={t},v1={s}",
    "t twice, the first one old": lambda t, s: f"t=1700000000,t={t},v1={s}",
    "t twice, the last one old": lambda t, s: f"t={t},v1={s},t=1700000000",
    "a negative t": lambda t, s: f"t=-{t},v1={s}",
    "a positive t": lambda t, s: f"t=+{t},v1={s}",
    "a fraction": lambda t, s: f"t={t}.0,v1={s}",
    "an exponent": lambda t, s: f"t=17e8,v1={s}",
    "hexadecimal t": lambda t, s: f"t={t:#x},v1={s}",
    "milliseconds": lambda t, s: f"t={t}000,v1={s}",
    "10,000 digits": lambda t, s: f"t={'9' * 10_000},v1={s}",
    "underscores": lambda t, s: f"t={t:_},v1={s}",
    "Arabic digits": lambda t, s: on_the_wire(f"t={str(t).translate(ARABIC)},v1={s}"),
    "full-width digits": lambda t, s: on_the_wire(f"t={str(t).translate(FULL_WIDTH)},v1={s}"),
    "a superscript digit": lambda t, s: f"t={t}²,v1={s}",
    "a leading space": lambda t, s: f" t={t},v1={s}",
    "a trailing space": lambda t, s: f"t={t},v1={s} ",
    "a space behind the comma": lambda t, s: f"t={t}, v1={s}",
    "a space before t's value": lambda t, s: f"t= {t},v1={s}",
    "a space behind t's value": lambda t, s: f"t={t} ,v1={s}",
    "a tab": lambda t, s: f"t={t},\tv1={s}",
    "a NUL": lambda t, s: f"t={t},v1={s}\0",
    "upper-case hex": lambda t, s: f"t={t},v1={s.upper()}",
    "a prefix of the signature": lambda t, s: f"t={t},v1={s[:-1]}",
    "more than the signature": lambda t, s: f"t={t},v1={s}0",
    "quotes": lambda t, s: f't={t},v1="{s}"',
    "zeros": lambda t, s: f"t={t},v1={'0' * 64}",
    "v0 only": lambda t, s: f"t={t},v0={s}",
    "v2 only": lambda t, s: f"t={t},v2={s}",
    "v1 with a space": lambda t, s: f"t={t},v1 ={s}",
    "17 signatures, the last one right": lambda t, s: f"t={t},{WRONG * 16}v1={s}",
    "10,000 signatures": lambda t, s: f"t={t}" + f",v1={s}" * 10_000,
    "non-ASCII": lambda t, s: on_the_wire(f"t={t},v1={s},v0=é"),
    "a non-ASCII signature": lambda t, s: on_the_wire(f"t={t},v1={'é' * 64}"),
    "Latin-1": lambda t, s: f"t={t},v1=\xff",
    "10 kB": lambda t, s: f"t={t},v1={s},v0={'0' * 10_000}",
    "1 MB": lambda t, s: f"t={t},v1={s},v0={'0' * 1_000_000}",
    "1 MB of commas": lambda t, s: f"t={t},v1={s}" + "," * 1_000_000,
}


@one_database
@pytest.mark.parametrize("case", BAD_STRIPE_HEADERS)
def test_a_malformed_stripe_signature_is_refused_like_every_other(
    application: Application, case: str
) -> None:
    body = encode(stripe_event())
    now = int(time.time())
    header = BAD_STRIPE_HEADERS[case](now, stripe_signature(body, now))
    response = application.deliver_raw(body, {"Stripe-Signature": header}, "/webhooks/stripe")
    assert_bad_signature(application, response)


@one_database
@pytest.mark.parametrize("seconds", [-(10**9), -3600, -302, 310, 3600, 10**9, 10**10])
def test_a_timestamp_outside_of_the_tolerance_is_refused_like_every_other(
    application: Application, seconds: int
) -> None:
    body = encode(stripe_event())
    headers = stripe_headers(body, timestamp=int(time.time()) + seconds)
    assert_bad_signature(application, application.deliver(body, headers=headers))


@one_database
@pytest.mark.parametrize("seconds", [-290, 290])
def test_a_timestamp_within_the_tolerance_is_accepted(
    application: Application, seconds: int
) -> None:
    body = encode(stripe_event())
    headers = stripe_headers(body, timestamp=int(time.time()) + seconds)
    assert application.deliver(body, headers=headers).status_code == 200


@one_database
def test_a_signature_by_another_secret_or_of_another_body_is_refused(
    application: Application,
) -> None:
    body = encode(stripe_event())
    for headers in (
        stripe_headers(body, "whsec_another_0123456789"),
        stripe_headers(body, ""),
        stripe_headers(body + b" "),
        stripe_headers(body[:-1]),
        stripe_headers(b""),
    ):
        response = application.deliver_raw(body, headers, "/webhooks/stripe")
        assert_bad_signature(application, response)


@one_database
@each_provider
def test_a_missing_signature_is_refused_like_every_other(
    application: Application, provider: str
) -> None:
    body = encode(SIGNED[provider][0]())
    assert_bad_signature(application, application.deliver_raw(body, {}, f"/webhooks/{provider}"))


@one_database
@each_provider
def test_the_signature_of_another_provider_is_no_signature(
    application: Application, provider: str
) -> None:
    body = encode(SIGNED[provider][0]())
    [other] = SIGNED.keys() - {provider}
    response = application.deliver_raw(body, SIGNED[other][1](body), f"/webhooks/{provider}")
    assert_bad_signature(application, response)


@one_database
@each_provider
def test_a_signature_header_that_was_sent_twice_is_refused(
    application: Application, provider: str
) -> None:
    body = encode(SIGNED[provider][0]())
    name, value = next(iter(SIGNED[provider][1](body).items()))
    response = application.client.post(
        f"/webhooks/{provider}", data=body, headers=[(name, value), (name, value)]
    )
    assert_bad_signature(application, response)


BAD_DEMO_HEADERS: dict[str, Callable[[str], str]] = {
    "empty": lambda s: "",
    "a space": lambda s: " ",
    "63 digits": lambda s: s[:-1],
    "65 digits": lambda s: s + "0",
    "another signature": lambda s: "0" * 64,
    "no hex": lambda s: "g" * 64,
    "a leading space": lambda s: f" {s}",
    "a trailing space": lambda s: f"{s} ",
    "a scheme": lambda s: f"sha256={s}",
    "twice": lambda s: f"{s},{s}",
    "underscores": lambda s: f"{s[:32]}_{s[33:]}",
    "a NUL": lambda s: f"{s}\0",
    "Arabic digits": lambda s: on_the_wire(s.translate(ARABIC)),
    "full-width digits": lambda s: on_the_wire(s.translate(FULL_WIDTH)),
    "64 characters of Latin-1": lambda s: "\xe9" * 64,
    "10 kB": lambda s: "0" * 10_000,
    "1 MB": lambda s: "0" * 1_000_000,
}


@one_database
@pytest.mark.parametrize("case", BAD_DEMO_HEADERS)
def test_a_malformed_demo_signature_is_refused_like_every_other(
    application: Application, case: str
) -> None:
    body = encode(paypal_event())
    right = SIGNED["paypal"][1](body)["X-Demo-Signature"]
    headers = {"X-Demo-Signature": BAD_DEMO_HEADERS[case](right)}
    assert_bad_signature(application, application.deliver_raw(body, headers, "/webhooks/paypal"))


@one_database
def test_a_demo_signature_in_upper_case_is_the_same_hexadecimal_number(
    application: Application,
) -> None:
    body = encode(paypal_event())
    headers = {"X-Demo-Signature": SIGNED["paypal"][1](body)["X-Demo-Signature"].upper()}
    assert application.deliver_raw(body, headers, "/webhooks/paypal").status_code == 200


# ── bodies ────────────────────────────────────────────────────────────────────────────────────


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


# ── addresses and methods ─────────────────────────────────────────────────────────────────────


@one_database
@pytest.mark.parametrize(
    "path",
    [
        "/webhooks",
        "/webhooks/",
        "/webhooks/adyen",
        "/webhooks/STRIPE",
        "/webhooks/stripe%20",
        "/webhooks/stripe%00",
        "/webhooks/str%69pe%2F",
        "/webhooks/stripe/",
        "/webhooks/stripe/acme",
        "/webhooks/stripe/default/more",
        "/webhooks//stripe",
        "//webhooks/stripe",
        "/webhooks/stripe//",
        "/webhooks/stripe/%00",
        "/webhooks/stripe/..",
        "/webhooks/stripe/%2e%2e",
        "/webhooks/stripe/%ff%fe",
        "/webhooks/stripe/%F0%9F%92%B3",
        "/webhooks/stripe/%C4%B0",
        "/webhooks/stripe/<script>",
        "/webhooks/stripe/';DROP TABLE events",
        "/webhooks/stripe/__class__",
        "/webhooks/stripe/" + "a" * 10_000,
        "/webhooks/" + "a" * 10_000,
        "/" + "a/" * 5_000,
        "/nothing",
    ],
)
def test_an_address_that_is_not_ours_gets_a_404(application: Application, path: str) -> None:
    body = encode(stripe_event())
    assert_refused(application, application.deliver_raw(body, stripe_headers(body), path), 404)


@one_database
@each_provider
@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "PATCH", "DELETE", "TRACE", "BREW"])
def test_another_method_gets_a_405_that_names_the_right_one(
    application: Application, provider: str, method: str
) -> None:
    body = encode(SIGNED[provider][0]())
    response = application.client.open(
        f"/webhooks/{provider}", method=method, data=body, headers=SIGNED[provider][1](body)
    )
    assert response.status_code == 405
    assert "POST" in response.headers["Allow"]
    assert rows(application) == {}
    if method != "HEAD":
        problem_of(response, 405)


@one_database
def test_a_body_that_nobody_asked_for_is_ignored_elsewhere(application: Application) -> None:
    response = application.client.get("/health", data=b"\xff" * 100)
    assert response.status_code == 200


# ── events ────────────────────────────────────────────────────────────────────────────────────

BAD_IDENTIFIERS: dict[str, str] = {
    "null": "null",
    "a number": "17",
    "true": "true",
    "a list": '["evt_1"]',
    "an object": '{"id": "evt_1"}',
    "empty": '""',
    "256 characters": json.dumps("e" * 256),
    "10,000 characters": json.dumps("e" * 10_000),
    "a space": '"evt 1"',
    "a space behind it": '"evt_1 "',
    "a newline": '"evt\\n1"',
    "a newline behind it": '"evt_1\\n"',
    "an escaped NUL": '"evt\\u00001"',
    "DEL": '"evt\\u007f1"',
    "non-ASCII": '"évt_1"',
    "escaped non-ASCII": '"\\u00e9vt_1"',
    "a lone high surrogate": '"evt_\\ud800"',
    "a lone low surrogate": '"evt_\\udc00"',
    "a line separator": '"evt_\\u2028"',
}


@one_database
@each_provider
@pytest.mark.parametrize("field", ["id", "type"])
@pytest.mark.parametrize("case", BAD_IDENTIFIERS)
def test_an_event_whose_id_or_type_cannot_be_used_is_refused(
    application: Application, provider: str, field: str, case: str
) -> None:
    name = TYPE_FIELD[provider] if field == "type" else field
    event = {**SIGNED[provider][0](), name: "HERE"}
    body = json.dumps(event).replace('"HERE"', BAD_IDENTIFIERS[case]).encode()
    problem = assert_refused(application, application.deliver(body, provider=provider), 400)
    assert f'"{name}"' in problem["detail"]


@one_database
@each_provider
@pytest.mark.parametrize("field", ["id", "type"])
def test_an_event_without_id_or_type_is_refused(
    application: Application, provider: str, field: str
) -> None:
    event = SIGNED[provider][0]()
    del event[TYPE_FIELD[provider] if field == "type" else field]
    assert_refused(application, application.deliver(event, provider=provider), 400)


@each_provider
def test_an_id_and_a_type_of_255_characters_are_kept(
    application: Application, provider: str
) -> None:
    changes = {"id": "~" * 255, TYPE_FIELD[provider]: "!" * 255}
    event = {**SIGNED[provider][0](), **changes}
    assert application.deliver(event, provider=provider).status_code == 200
    [listed] = application.events(event_id="~" * 255, type="!" * 255)
    assert application.event(listed["id"])["event_type"] == "!" * 255


@one_database
@pytest.mark.parametrize("field", ["account", "context"])
@pytest.mark.parametrize(
    "value",
    [0, 17, 1.5, True, False, "", " ", "acct 1", "acct\0", "acct\n", "é", "a" * 256, [], ["a"], {}],
    ids=repr,
)
def test_a_connect_event_whose_account_cannot_be_used_is_refused(
    application: Application, field: str, value: Any
) -> None:
    response = application.deliver(stripe_event(**{field: value}))
    assert_refused(application, response, 400)


# ── what only looks bad ───────────────────────────────────────────────────────────────────────

HUGE = 10**4000
ODD_CHANGES: dict[str, str] = {
    "unknown fields": '"zzz": {"a": [1, {"b": null}]}, "": "", "__proto__": {}, "$ref": "#"',
    "an escaped NUL": '"description": "a\\u0000b"',
    "a lone surrogate": '"description": "\\ud800"',
    "a swapped surrogate pair": '"\\udc00\\ud800": "\\udc00\\ud800"',
    "an emoji": '"description": "💳"',
    "300 braces within a string": f'"description": "{"[{" * 150}"',
    "braces behind an escaped quote": f'"description": "\\"{"[{" * 150}\\\\"',
    "braces in a key": f'"{"[{" * 150}": 1',
    "500 arrays beside each other": f'"description": [{", ".join(["[]"] * 500)}]',
    "64 levels": f'"description": {"[" * 63}{"]" * 63}',
    "an integer of 4,000 digits": f'"amount": {HUGE}',
    "a number that is infinite as a float": '"amount": 1e999',
    "minus zero": '"amount": -0.0',
    "markup": '"description": "<script>alert(1)</script>"',
    "an API version that is a number": '"api_version": 17, "resource_version": 2',
    "an API version of 10,000 characters": f'"api_version": "{"v" * 10_000}"',
    "an API version with a NUL": '"api_version": "\\u0000", "resource_version": "\\u0000"',
    "livemode as text": '"livemode": "yes"',
    "livemode null": '"livemode": null',
    "data null": '"data": null, "resource": null',
    "data as text": '"data": "object", "resource": "object"',
    "data as a list": '"data": [{"object": {"id": "x"}}], "resource": [{"id": "x"}]',
    "an object as text": '"data": {"object": "pi_1"}, "resource": {"invoice": "x"}',
    "an object's id as a list": '"data": {"object": {"id": ["x"]}}, "resource": {"id": ["x"]}',
    "an object's id with a surrogate": (
        '"data": {"object": {"id": "\\ud800"}}, "resource": {"id": "\\ud800"}'
    ),
    "an object's id of 10,000 characters": (
        f'"data": {{"object": {{"id": "{"x" * 10_000}"}}}}, "resource": {{"id": "{"x" * 10_000}"}}'
    ),
    "an account that is null": '"account": null, "context": null',
    "the same key twice": '"x": 1, "x": 2, "data": {"object": {"id": "a"}}, "data": {}',
}
TIMES = {
    "negative": "-1",
    "long ago": "-62135596800",
    "before all calendars": "-1e18",
    "the end of the calendar": "253402300799",
    "behind the calendar": "253402300800",
    "1e300": "1e300",
    "infinite": "1e999",
    "4,000 digits": str(HUGE),
    "text": '"yesterday"',
    "empty": '""',
    "a month 19": '"2024-19-01T00:00:00Z"',
    "year 1 and an offset": '"0001-01-01T00:00:00+14:00"',
    "year 9999 and an offset": '"9999-12-31T23:59:59-12:00"',
    "nanoseconds": '"2025-10-04T15:13:32.232083866Z"',
    "a surrogate": '"\\ud800"',
    "Arabic digits": f'"{"2024-01-01".translate(ARABIC)}"',
    "10,000 characters": json.dumps("2" * 10_000),
    "a list": "[1700000000]",
    "an object": "{}",
    "true": "true",
    "null": "null",
}
ODD = {
    **ODD_CHANGES,
    **{f"created: {name}": f'"created": {it}, "create_time": {it}' for name, it in TIMES.items()},
}


@each_provider
def test_odd_but_genuine_events_are_kept_byte_for_byte_and_processed(
    application: Application, provider: str
) -> None:
    seen: list[dict[str, Any]] = []

    @handles(provider, "*")
    def look(event: HandledEvent, *_: object) -> None:
        seen.append(event.data)

    for number, (case, members) in enumerate(ODD.items()):
        event = {**SIGNED[provider][0](), "id": f"evt_{number}"}
        body = f"{json.dumps(event)[:-1]}, {members}}}\r\n".encode()
        assert application.deliver(body, provider=provider).status_code == 200, case
        assert application.deliver(body, provider=provider).status_code == 200, case
        stored = application.sql(
            "SELECT body FROM event_payloads JOIN events ON id = event_payloads.event_id "
            "WHERE events.event_id = :id",
            id=f"evt_{number}",
        )
        assert [bytes(it) for (it,) in stored] == [body], case
    application.work()
    assert len(seen) == len(ODD)
    listed = application.events(limit=500)
    assert {it["status"] for it in listed} == {"processed"}
    assert {it["conflicts"] for it in listed} == {0}
    for it in listed:
        assert application.event(it["id"])["last_error"] is None


@pytest.mark.parametrize("zone", ["Pacific/Kiritimati", "Etc/GMT+12"])
@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_a_time_at_an_end_of_the_calendar_can_be_shown_in_every_time_zone_of_a_server(
    make_application: MakeApplication, database_url: str, zone: str
) -> None:
    separator = "&" if "?" in database_url else "?"
    url = f"{database_url}{separator}options=-ctimezone%3D{zone.replace('+', '%2B')}"
    application = make_application(DATABASE_URL=url)
    for created in (-62135596800, 253402300799):
        assert application.deliver(stripe_event(created=created)).status_code == 200
    assert len(application.events()) == 2


@each_provider
def test_of_a_key_that_stands_twice_the_last_one_counts(
    application: Application, provider: str
) -> None:
    event = {**SIGNED[provider][0](), "id": "evt_last"}
    body = b'{"id": "evt_first", ' + encode(event)[1:]
    response = application.deliver(body, provider=provider)
    assert response.get_json()["event_id"] == "evt_last"


# ── the operator's doors ──────────────────────────────────────────────────────────────────────

BAD_AUTHORIZATION: dict[str, str | None] = {
    "none": None,
    "empty": "",
    "a scheme alone": "Bearer",
    "an empty token": "Bearer ",
    "only spaces": "Bearer      ",
    "the token alone": ADMIN_TOKEN,
    "another token": "Bearer another-0123456789abcdef",
    "a prefix": f"Bearer {ADMIN_TOKEN[:-1]}",
    "more than the token": f"Bearer {ADMIN_TOKEN}0",
    "another case": f"Bearer {ADMIN_TOKEN.upper()}",
    "Basic": "Basic YWRtaW46YWRtaW4=",
    "the token as Basic": f"Basic {ADMIN_TOKEN}",
    "the token as Token": f"Token {ADMIN_TOKEN}",
    "twice": f"Bearer {ADMIN_TOKEN}, Bearer {ADMIN_TOKEN}",
    "a tab": f"Bearer\t{ADMIN_TOKEN}",
    "quotes": f'Bearer "{ADMIN_TOKEN}"',
    "a NUL": f"Bearer {ADMIN_TOKEN}\0",
    "Latin-1": "Bearer \xff\xfe",
    "UTF-8": on_the_wire("Bearer ключ"),
    "10 kB": "Bearer " + "a" * 10_000,
    "1 MB": "Bearer " + "a" * 1_000_000,
}


@one_database
@pytest.mark.parametrize("path", ["/admin/events", "/admin/events/1", "/admin/events?limit=abc"])
@pytest.mark.parametrize("case", BAD_AUTHORIZATION)
def test_without_a_known_token_the_operators_doors_stay_closed(
    application: Application, path: str, case: str
) -> None:
    value = BAD_AUTHORIZATION[case]
    headers = {} if value is None else {"Authorization": value}
    response = application.client.get(path, headers=headers)
    assert_refused(application, response, 401)
    assert response.headers["WWW-Authenticate"].startswith("Bearer")


@one_database
@pytest.mark.parametrize("token", ["", "x"])
def test_where_no_token_is_configured_none_is_right(
    make_application: MakeApplication, token: str
) -> None:
    application = make_application(ADMIN_TOKEN="")
    headers = {"Authorization": f"Bearer {token}"}
    assert_refused(application, application.client.get("/admin/events", headers=headers), 401)


@one_database
@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE"])
def test_another_method_gets_a_405_from_the_operators_doors_too(
    application: Application, method: str
) -> None:
    headers = {"Authorization": f"Bearer {ADMIN_TOKEN}"}
    response = application.client.open("/admin/events", method=method, headers=headers)
    assert_refused(application, response, 405)
    assert "GET" in response.headers["Allow"]


BAD_QUERIES = [
    *(f"limit={it}" for it in ("0", "-1", "--1", "-", "1000000000", "501", "abc", "1.5", "1e3")),
    *(f"limit={it}" for it in ("+5", "%2B5", "1_0", "0x10", "%D9%A3", "%00", "1%00", "%201", "²")),
    f"limit={'9' * 10_000}",
    *(f"cursor={it}" for it in ("0", "-1", "--1", "-", "abc", "1.5", "%00", "%FF", "null")),
    f"cursor={2**63}",
    f"cursor={10**19}",
    "cursor=1;DROP TABLE events",
    "unknown=1",
    "Limit=1",
    "limit%00=1",
    "=1",
    "limit[]=1",
    "limit=1&limit=2",
    "status=processed&status=dead",
    "status=unknown",
    "status=PROCESSED",
    "status=%00",
    "conflicts=maybe",
    "conflicts=%C4%B0",
    *(f"{name}=%00" for name in ("provider", "account", "type", "event_id", "object_id")),
    *(f"{name}=a%20b" for name in ("provider", "account", "type", "event_id", "object_id")),
    *(f"{name}={'a' * 10_000}" for name in ("provider", "account", "type", "event_id")),
    f"event_id={'a' * 256}",
    "event_id=evt_1%0A",
]


@one_database
@pytest.mark.parametrize("query", BAD_QUERIES, ids=lambda it: it[:40])
def test_a_query_that_does_not_validate_gets_a_422(application: Application, query: str) -> None:
    headers = {"Authorization": f"Bearer {ADMIN_TOKEN}"}
    response = application.client.get(f"/admin/events?{query}", headers=headers)
    assert_refused(application, response, 422)


HARMLESS_QUERIES = [
    "provider=nobody",
    "event_id='OR'1'='1",
    "event_id=%27%3BDROP%20TABLE%20events".replace("%20", "/**/"),
    "object_id=<script>alert(1)</script>",
    "type=%25",
    "type=_",
    "type=%5C",
    "type=%5C%25",
    "type=" + "*" * 255,
    "type=" + "*a" * 127 + "b",
    "account=..%2F..%2Fetc%2Fpasswd",
    "provider=%25s%25n%7B0%7D",
    "type=%FF",
    "event_id=%ED%A0%80",
    "cursor=1",
    f"event_id={'a' * 255}",
]


@pytest.mark.parametrize("query", HARMLESS_QUERIES, ids=lambda it: it[:40])
def test_a_strange_filter_that_could_be_meant_finds_only_what_it_says(
    application: Application, query: str
) -> None:
    application.deliver(stripe_event("a" * 254))
    headers = {"Authorization": f"Bearer {ADMIN_TOKEN}"}
    response = application.client.get(f"/admin/events?{query}", headers=headers)
    assert response.status_code == 200, response.text
    assert len(response.get_json()) == (query == "type=" + "*" * 255)
    assert len(application.events()) == 1


@one_database
@pytest.mark.parametrize("query", ["limit=", "cursor=", "status=", "provider=&type=&conflicts="])
def test_a_parameter_without_a_value_counts_as_absent(application: Application, query: str) -> None:
    application.deliver()
    headers = {"Authorization": f"Bearer {ADMIN_TOKEN}"}
    response = application.client.get(f"/admin/events?{query}", headers=headers)
    assert len(response.get_json()) == 1


@pytest.mark.parametrize(
    "id",
    [
        *("0", "2", "-1", "+1", "01x", "1.0", "1e0", "abc", "null", "%00", "1%00", "%201", "1%0A"),
        *("%D9%A1", "%FF", "²", "1;DROP", "' OR 1=1", "..", "<script>"),
        str(2**63 - 1),
        str(2**63),
        str(10**18),
        str(10**30),
        "9" * 10_000,
        "1/",
        "1/payload/x",
    ],
    ids=lambda it: it[:40],
)
def test_an_id_that_does_not_exist_gets_a_404(application: Application, id: str) -> None:
    application.deliver()
    problem_of(application.admin(f"/events/{id}"), 404)
