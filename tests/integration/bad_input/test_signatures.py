"""Signatures that are wrong in any way get one and the same answer, and leave nothing behind."""

from __future__ import annotations

import hashlib
import hmac
import time
from collections.abc import Callable

import pytest

from tests.integration.bad_input.cases import (
    ARABIC,
    FULL_WIDTH,
    each_provider,
    on_the_wire,
    one_database,
)
from tests.support.application import Application
from tests.support.deliveries import SIGNED, STRIPE_SECRET, encode, stripe_event, stripe_headers
from tests.support.refusals import assert_bad_signature


def stripe_signature(body: bytes, timestamp: int, secret: str = STRIPE_SECRET) -> str:
    return hmac.new(secret.encode(), b"%d.%s" % (timestamp, body), hashlib.sha256).hexdigest()


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
