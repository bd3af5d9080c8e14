"""Addresses that are not ours, and methods that are not meant."""

from __future__ import annotations

import pytest

from tests.integration.bad_input.cases import each_provider, one_database
from tests.support.application import Application
from tests.support.deliveries import SIGNED, encode, stripe_event, stripe_headers
from tests.support.refusals import assert_refused, problem_of, rows


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
