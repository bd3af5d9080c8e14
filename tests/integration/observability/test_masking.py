"""What no line may say, and what a line must still say."""

from __future__ import annotations

import json
import logging
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
import structlog

from payments.handlers.registry import handles
from payments.observability.masking import MASK, Masker
from tests.support.application import MakeApplication
from tests.support.deliveries import PERSON, SIGNATURES, charge_of, demo_headers
from tests.support.leaks import KNOWN, leaks_in
from tests.support.service import ROOT

SECRET = 's3cret/with "quotes" & ümlaut'
mask = Masker([SECRET])
HIDDEN = [
    *("4242424242424242", "4242 4242 4242 4242", "4242-4242-4242-4242", "4242.4242.4242.4242"),
    *("378282246310005", "3782 822463 10005", "30569309025904", "6011111111111117"),
    *("3530111333300000", "2223003122003222", "6304000000000000", "card-5555555555554444"),
    *("jenny.rosen+shop@mail.example.co.uk", "jörg@büro.example"),
    *(SECRET, json.dumps(SECRET)[1:-1], "s3cret%2Fwith%20%22quotes%22%20%26%20%C3%BCmlaut"),
    *("whsec_abcdefgh1234", "sk_live_abcdefgh", "rk_test_abcdefgh", "pi_3Mt_secret_YrKJUKrib"),
    *("postgresql://app:p4ss@db/x", "redis://:p/w@x@host:6379/0", "amqp://u:@h"),
    "t=1700000000,v1=" + "5257a869e7ecebeda32affa62cdca3fa51cad7e77a0e56ff536d0ce8e108d8bd",
    *("Authorization: Bearer abc.def", "bearer  abc-def", "Basic dXNlcjpwYXNzd29yZA=="),
    *("GET /x?token=abc&page=2", "password='a b c'", '"client_secret": "abc"', "api_key=k"),
    *("Cookie: a=b; session=c", "{'Set-Cookie': 'session=c; Path=/'}"),
    "X-Demo-Signature: " + "0a" * 32,
    "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl",
    ".eJwVjEsKgDAMBe.aBcDeF.abcdefghijklmnopq",
    *("A21AAFEpH4PsADK7qSS7pSRsgz", "paypal-transmission-sig: " + "Ab1/" * 86, "q7Rz+9" * 14),
    *("{'name': 'Jenny Rosen'}", '{"given_name":"Jenny"}', '"address_line_1": "27 Fredrick"'),
]  # fmt: skip
SHOWN = [
    *("evt_1NG8Du2eZvKYlo2CUI79vXWy", "WH-58D329510W468432D-8HN650336L201105X"),
    "cus_4242424242424242",
    # They pass Luhn, and are no card's: amounts, times, decimals, ids with dashes, hashes.
    *("1234567897", "1764064168006", "1764064168476566000"),
    *("0.4242424242424242", "4242424242424242.50"),
    *("4242424242424242-8HN650336L201105X", "9999999999999995", "42424242424242424242424242424242"),
    *("4242424242424241", "4242 4242 42424242", "2026-11-25 09:48:19"),
    *("http://127.0.0.1:8000/health", "STRIPE_SIGNING_SECRET: is not set.", "token expired", "a@b"),
    *("sha256 " + "ab" * 32, "payments.web.requests", "/webhooks/<provider>", "'name' is missing"),
    *("KeyError: 'customer'", "secret_label=current", "v1 of the API", "no signature matches"),
]  # fmt: skip


@pytest.mark.parametrize("text", HIDDEN)
def test_a_secret_or_a_person_is_masked(text: str) -> None:
    masked = mask(f"before {text} after")
    assert MASK in masked
    assert masked.startswith("before ")
    assert not leaks_in(masked)
    assert mask(masked) == masked


@pytest.mark.parametrize("text", SHOWN)
def test_what_only_looks_like_one_is_shown(text: str) -> None:
    assert mask(text) == text


def test_what_stands_under_a_telling_name_is_masked_whatever_it_is() -> None:
    line = {
        "event": "paid",
        "event_id": "4242424242424242",
        "amount": 4200,
        "card": 4242424242424242,
        "token": "abc",
        "phone": 15555550123,
        "payload": {"customer_name": "Jo", "items": [{"sku": "x", "email": b"jo"}]},
        "headers": {"Authorization": "x", "Accept": "y"},
    }
    assert mask.line(line) == {
        "event": "paid",
        "event_id": "4242424242424242",
        "amount": 4200,
        "card": MASK,
        "token": MASK,
        "phone": MASK,
        "payload": {"customer_name": MASK, "items": [{"sku": "x", "email": MASK}]},
        "headers": {"Authorization": MASK, "Accept": "y"},
    }


HOSTILE = ["a", "1", "a@", "a=b ", "4242 ", "x_", "'name': ", "token=", "://", ":", "eJ."]


@pytest.mark.parametrize("piece", HOSTILE)
def test_long_text_that_was_made_to_be_slow_is_masked_in_no_time(piece: str) -> None:
    began = time.perf_counter()
    mask(piece * (20_000 // len(piece)) + "@")
    assert time.perf_counter() - began < 1


def test_who_a_payload_names_is_named_in_no_line_and_no_error_of_the_attempt(
    make_application: MakeApplication, capfd: pytest.CaptureFixture[str]
) -> None:
    application = make_application(RETRY_MAX_ATTEMPTS="1")

    @handles("stripe", "*")
    def tells(event: Any, *_: Any) -> None:
        structlog.get_logger("shop").info(f"for {PERSON['name'].upper()}", to=PERSON["city"])
        logging.getLogger("shop").info("to %s in %s", PERSON["line1"], PERSON["postal_code"])
        raise ValueError(f"no such customer: {PERSON['name'].split()[0]}, {PERSON['phone']}")

    application.deliver(charge_of(PERSON))
    application.work()
    event = application.event(1)
    logging.getLogger("shop").info("afterwards")
    said = capfd.readouterr().err
    assert event["last_error"] == f"ValueError: no such customer: {MASK}, {MASK}"
    assert "afterwards" in said
    assert said.count(MASK) >= 4
    for leaked in (*PERSON.values(), "Jenny", "JENNY"):
        assert leaked not in said
        assert leaked not in str(event)


def test_the_scanner_finds_what_the_tests_know() -> None:
    demo_headers(b"{}")
    for datum in (*KNOWN, *SIGNATURES, "4242 4242 4242 4242", "someone@else.example"):
        [leak, *_] = leaks_in(f"first\nsaid {datum} aloud\nlast")
        assert leak.line == f"said {datum} aloud"


def test_a_test_that_logs_a_secret_fails(tmp_path: Path) -> None:
    file = tmp_path / "test_leaky.py"
    file.write_text(
        "import sys\n\n\ndef test_it(): print('Pat Sample has paid', file=sys.stderr)\n"
        "\n\ndef test_another(): print('somebody has paid', file=sys.stderr)\n"
    )
    arguments = ["-p", "tests.support.leaks", "-p", "no:cacheprovider", "-q", "--rootdir", tmp_path]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *arguments, file],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 1, done.stdout
    assert "1 failed, 1 passed" in done.stdout
    assert "in the line: Pat Sample has paid" in done.stdout
