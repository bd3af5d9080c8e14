"""Headers are hostile input: nothing but SignatureError may come out of them."""

from __future__ import annotations

import base64
import contextlib
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from payments.errors import SignatureError
from payments.providers.paypal.transmission import (
    certificate_origins,
    is_certificate_url,
    parse_transmission,
)

NOW = datetime(2026, 5, 1, 12, 0, tzinfo=UTC)
ORIGINS = certificate_origins("sandbox")
GOOD = {
    "paypal-auth-algo": "SHA256withRSA",
    "paypal-transmission-id": "0b1c7d1e-4f6a-11f0-9d55-0242ac120002",
    "paypal-transmission-time": "2026-05-01T11:59:58Z",
    "paypal-cert-url": "https://api.paypal.com/v1/notifications/certs/CERT-1-2",
    "paypal-transmission-sig": base64.b64encode(bytes(256)).decode(),
}
FOLDER = "https://api.paypal.com/v1/notifications/certs/"


def parse(headers: dict[str, str], now: datetime = NOW) -> None:
    parse_transmission(headers, now, tolerance_seconds=60, origins=ORIGINS)


def test_good_headers_are_good() -> None:
    parse(GOOD)


@pytest.mark.parametrize("name", GOOD)
def test_every_header_is_needed(name: str) -> None:
    with pytest.raises(SignatureError):
        parse({key: value for key, value in GOOD.items() if key != name})


@given(st.sampled_from(sorted(GOOD)), st.text(max_size=300))
def test_garbage_in_a_header_is_a_bad_signature_or_none(name: str, value: str) -> None:
    with contextlib.suppress(SignatureError):
        parse({**GOOD, name: value})


@given(st.dictionaries(st.sampled_from(sorted(GOOD)), st.text() | st.text("0123456789TZ:-+.")))
def test_garbage_in_all_headers_is_a_bad_signature(headers: dict[str, str]) -> None:
    with pytest.raises(SignatureError):
        parse(headers)


@given(st.datetimes(), st.sampled_from(["Z", "+23:59", "-23:59"]))
def test_any_written_time_is_read_or_refused(moment: datetime, zone: str) -> None:
    headers = {**GOOD, "paypal-transmission-time": moment.isoformat(timespec="seconds") + zone}
    with contextlib.suppress(SignatureError):
        parse(headers)


@given(st.integers(0, len(GOOD["paypal-cert-url"])), st.text(min_size=1, max_size=4))
def test_a_url_with_something_put_in_stays_under_paypals_folder(at: int, extra: str) -> None:
    good = GOOD["paypal-cert-url"]
    url = good[:at] + extra + good[at:]
    if is_certificate_url(url, ORIGINS):
        assert url.startswith(FOLDER)
        assert url.isascii()
        assert not set(url.removeprefix(FOLDER)) & set("/\\%?#@:; \t\r\n")


@pytest.mark.parametrize("host", ["api", "api-m", "api.sandbox", "api-m.sandbox"])
def test_paypals_four_hosts_are_good_for_a_sandbox(host: str) -> None:
    url = f"https://{host}.paypal.com/v1/notifications/certs/CERT-360caa42-fca2a594-1a5f47cb"
    assert is_certificate_url(url, certificate_origins("sandbox"))
    assert is_certificate_url(url, certificate_origins("live")) == ("sandbox" not in host)


@pytest.mark.parametrize(
    "url",
    [
        "",
        FOLDER,
        FOLDER + "..",
        FOLDER + "../../oauth2/token",
        FOLDER + ".hidden",
        FOLDER + "a/b",
        FOLDER + "a%2fb",
        FOLDER + "%2e%2e",
        FOLDER + "a\\b",
        FOLDER + "a?b",
        FOLDER + "a#b",
        FOLDER + "a;b",
        FOLDER + "a b",
        FOLDER + "a\n",
        FOLDER + "a\x00",
        FOLDER + "é",
        FOLDER + "a" * 129,
        FOLDER + "/a",
        " " + FOLDER + "a",
        "http://api.paypal.com/v1/notifications/certs/a",
        "HTTPS://api.paypal.com/v1/notifications/certs/a",
        "https://API.paypal.com/v1/notifications/certs/a",
        "https://api.paypal.com:443/v1/notifications/certs/a",
        "https://api.paypal.com:8443/v1/notifications/certs/a",
        "https://api.paypal.com./v1/notifications/certs/a",
        "https://user@api.paypal.com/v1/notifications/certs/a",
        "https://www.paypal.com/v1/notifications/certs/a",
        "https://paypal.com/v1/notifications/certs/a",
        "https://evil-api.paypal.com/v1/notifications/certs/a",
        "https://api.paypal.com/v1/notifications/certs",
        "https://api.paypal.com/v1/notifications/certs-evil/a",
        "https://api.paypal.com//v1/notifications/certs/a",
        "https:/\\api.paypal.com/v1/notifications/certs/a",
        "//api.paypal.com/v1/notifications/certs/a",
        "file:///v1/notifications/certs/a",
    ],
)
def test_no_other_url_is_good(url: str) -> None:
    assert not is_certificate_url(url, ORIGINS)


@pytest.mark.parametrize(
    ("seconds", "good"), [(-301, False), (-300, True), (60, True), (61, False)]
)
def test_the_tolerance_is_exact(seconds: int, good: bool) -> None:
    sent = datetime.fromisoformat(GOOD["paypal-transmission-time"])
    try:
        parse(GOOD, sent + timedelta(seconds=seconds))
    except SignatureError:
        assert not good
    else:
        assert good
