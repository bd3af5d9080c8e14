"""Signatures of `demo_hmac` that are wrong in any way get one and the same answer."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.integration.bad_input.cases import ARABIC, FULL_WIDTH, on_the_wire, one_database
from tests.support.application import Application
from tests.support.deliveries import SIGNED, encode, paypal_event
from tests.support.refusals import assert_bad_signature

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
