"""The cache of certificates: one request at a time, bounded, and fair to PayPal."""

from __future__ import annotations

import contextlib
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from payments.errors import ProviderUnavailable, SignatureError
from payments.providers.paypal import cache as paypal_cache
from payments.providers.paypal.cache import CertificateCache
from tests.standins.certificates import issue

PEM = issue("messageverificationcerts.paypal.com").pem


class Source:
    """Where certificates come from, and a clock; `answer` is what is there."""

    def __init__(self) -> None:
        self.answer: bytes | Exception = PEM
        self.now = 1000.0
        self.urls: list[str] = []
        self.cache = CertificateCache(self.fetch, lambda: self.now)

    def fetch(self, url: str) -> bytes:
        self.urls.append(url)
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


def test_many_threads_make_one_request() -> None:
    arrived, go = threading.Semaphore(0), threading.Event()
    urls: list[str] = []

    def fetch(url: str) -> bytes:
        urls.append(url)
        arrived.release()
        assert go.wait(10)
        return PEM

    cache = CertificateCache(fetch)
    with ThreadPoolExecutor(32) as pool:
        results = [pool.submit(cache.get, "u") for _ in range(32)]
        assert arrived.acquire(timeout=10)
        go.set()
        found = {result.result(10)[0].serial_number for result in results}
    assert urls == ["u"]
    assert len(found) == 1


def test_many_threads_share_one_failure() -> None:
    source = Source()
    source.answer = ProviderUnavailable()
    with ThreadPoolExecutor(16) as pool:
        results = [pool.submit(source.cache.get, "u") for _ in range(16)]
    assert all(isinstance(result.exception(), ProviderUnavailable) for result in results)
    assert source.urls == ["u"]


def test_a_bug_while_fetching_does_not_leave_the_url_locked() -> None:
    source = Source()
    source.answer = RuntimeError("a bug")
    with pytest.raises(RuntimeError):
        source.cache.get("u")
    source.answer = PEM
    assert source.cache.get("u")


def test_a_good_certificate_is_fetched_again_after_a_day() -> None:
    source = Source()
    source.cache.get("u")
    source.now += paypal_cache.GOOD_SECONDS - 1
    source.cache.get("u")
    assert source.urls == ["u"]
    source.now += 1
    source.cache.get("u")
    assert source.urls == ["u", "u"]


def test_a_certificate_that_paypal_withdrew_is_gone_after_a_day() -> None:
    source = Source()
    source.cache.get("u")
    source.now += paypal_cache.GOOD_SECONDS
    source.answer = SignatureError("certificate URL answered 404")
    with pytest.raises(SignatureError):
        source.cache.get("u")


def test_an_outage_does_not_take_a_known_certificate_away() -> None:
    source = Source()
    source.cache.get("u")
    source.now += paypal_cache.GOOD_SECONDS
    source.answer = ProviderUnavailable()
    assert source.cache.get("u")
    assert source.cache.get("u")
    assert len(source.urls) == 2
    source.now += paypal_cache.UNAVAILABLE_SECONDS
    source.answer = PEM
    assert source.cache.get("u")
    assert len(source.urls) == 3


@pytest.mark.parametrize(
    ("answer", "error", "seconds"),
    [
        (SignatureError("no"), SignatureError, paypal_cache.REFUSED_SECONDS),
        (b"<html>", SignatureError, paypal_cache.REFUSED_SECONDS),
        (b"", SignatureError, paypal_cache.REFUSED_SECONDS),
        (PEM * 9, SignatureError, paypal_cache.REFUSED_SECONDS),
        (ProviderUnavailable(), ProviderUnavailable, paypal_cache.UNAVAILABLE_SECONDS),
    ],
)
def test_a_failure_is_remembered_for_a_short_while(
    answer: bytes | Exception, error: type[Exception], seconds: float
) -> None:
    source = Source()
    source.answer = answer
    for _ in range(3):
        with pytest.raises(error):
            source.cache.get("u")
    assert source.urls == ["u"]
    source.now += seconds
    source.answer = PEM
    assert source.cache.get("u")


def test_made_up_urls_are_fetched_up_to_a_budget_and_known_ones_keep_working() -> None:
    source = Source()
    source.cache.get("known")
    source.answer = SignatureError("no")
    for number in range(paypal_cache.BUDGET_FETCHES - 1):
        with pytest.raises(SignatureError):
            source.cache.get(f"made-up-{number}")
    with pytest.raises(ProviderUnavailable):
        source.cache.get("one-too-many")
    assert len(source.urls) == paypal_cache.BUDGET_FETCHES
    assert source.cache.get("known")
    source.now += paypal_cache.BUDGET_SECONDS
    with pytest.raises(SignatureError):
        source.cache.get("one-too-many")


def test_a_known_certificate_outlives_its_day_while_the_budget_is_spent() -> None:
    source = Source()
    source.cache.get("known")
    source.now += paypal_cache.GOOD_SECONDS
    source.answer = SignatureError("no")
    for number in range(paypal_cache.BUDGET_FETCHES):
        with pytest.raises(SignatureError):
            source.cache.get(f"made-up-{number}")
    assert source.cache.get("known")


def test_its_size_is_bounded() -> None:
    source = Source()
    for number in range(paypal_cache.MOST_GOOD + paypal_cache.MOST_BAD * 2):
        source.now += paypal_cache.BUDGET_SECONDS
        source.answer = PEM if number % 2 else SignatureError("no")
        with contextlib.suppress(SignatureError):
            source.cache.get(f"url-{number}")
    assert len(source.cache._good) == paypal_cache.MOST_GOOD
    assert len(source.cache._bad) == paypal_cache.MOST_BAD


def test_only_a_certificate_can_be_remembered() -> None:
    with pytest.raises(ValueError, match="broken certificate"):
        Source().cache.remember(
            "u", b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----"
        )
