"""One HTTP request, bounded in time and size whatever the other side does."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator

import pytest

from payments.providers.bounded_http import AnswerTooLarge, BoundedHttp, NoAnswer
from tests.standins.paypal import PayPalStandIn

QUICK = BoundedHttp(total_seconds=0.6, step_seconds=0.3)


@pytest.fixture
def standin() -> Iterator[PayPalStandIn]:
    with PayPalStandIn() as running:
        yield running


def test_an_answer_is_given_whatever_its_status(standin: PayPalStandIn) -> None:
    assert QUICK.send("GET", standin.certificate_url).body == standin.signer.pem
    assert QUICK.send("GET", standin.base_url + "/nothing").status == 404


@pytest.mark.parametrize("fault", ["hang", "drip", "drip headers"])
def test_a_slow_answer_is_given_up_when_the_time_is_over(
    standin: PayPalStandIn, fault: str
) -> None:
    standin.misbehave("/", fault)
    began = time.monotonic()
    with pytest.raises(NoAnswer):
        QUICK.send("GET", standin.certificate_url)
    assert time.monotonic() - began < 2


@pytest.mark.parametrize("fault", ["drip", "drip headers"])
def test_the_thread_of_a_slow_answer_ends(standin: PayPalStandIn, fault: str) -> None:
    standin.misbehave("/", fault)
    with pytest.raises(NoAnswer):
        QUICK.send("GET", standin.certificate_url)
    for thread in threading.enumerate():
        if thread.name == "bounded-http":
            thread.join(5)
            assert not thread.is_alive()


@pytest.mark.parametrize("fault", ["drop", "cut"])
def test_a_broken_answer_is_no_answer(standin: PayPalStandIn, fault: str) -> None:
    standin.misbehave("/", fault)
    with pytest.raises(NoAnswer):
        QUICK.send("GET", standin.certificate_url)


@pytest.mark.parametrize("fault", ["huge", "endless"])
def test_a_large_answer_is_not_read_to_its_end(standin: PayPalStandIn, fault: str) -> None:
    standin.misbehave("/", fault)
    with pytest.raises(AnswerTooLarge):
        QUICK.send("GET", standin.certificate_url)


def test_redirects_are_not_followed(standin: PayPalStandIn) -> None:
    standin.misbehave("/", "redirect")
    assert QUICK.send("GET", standin.certificate_url).status == 302
    assert standin.count() == 1


def test_proxies_of_the_environment_are_not_used(
    standin: PayPalStandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    assert QUICK.send("GET", standin.certificate_url).status == 200


def test_nothing_is_sent_when_no_time_is_left(standin: PayPalStandIn) -> None:
    with pytest.raises(NoAnswer):
        QUICK.send("GET", standin.certificate_url, seconds=0)
    assert standin.count() == 0


def test_a_name_that_does_not_resolve_is_no_answer() -> None:
    with pytest.raises(NoAnswer) as caught:
        QUICK.send("GET", "http://nobody.invalid/")
    assert "nobody.invalid" in str(caught.value)
