"""Guessing tokens: slowed down by address and in all, with Redis and without it."""

from __future__ import annotations

import pytest
from werkzeug.test import TestResponse

from payments.web.failed_logins import OF_ALL, OF_ONE
from tests.support.application import Application, MakeApplication
from tests.support.console import Person
from tests.support.deliveries import ADMIN_TOKEN
from tests.support.refusals import problem_of
from tests.support.servers import free_port

WRONG = "wrong-0123456789abcdef"
GUESSER, OPERATOR = "192.0.2.7", "198.51.100.9"
pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


def ask(
    application: Application, token: str, address: str = GUESSER, **headers: str
) -> TestResponse:
    return application.client.get(
        "/admin/events",
        headers={"Authorization": f"Bearer {token}", **headers},
        environ_base={"REMOTE_ADDR": address},
    )


def guess(application: Application, address: str = GUESSER, times: int = OF_ONE.amount) -> None:
    for _ in range(times):
        problem_of(ask(application, WRONG, address), 401)


@pytest.fixture(params=["with Redis", "without Redis"])
def guarded(request: pytest.FixtureRequest, make_application: MakeApplication) -> Application:
    if request.param == "with Redis":
        return make_application()
    return make_application(REDIS_URL=f"redis://127.0.0.1:{free_port()}/0")


def test_after_ten_wrong_tokens_an_address_waits_and_is_told_how_long(
    guarded: Application,
) -> None:
    guess(guarded)
    response = ask(guarded, WRONG)
    assert problem_of(response, 429)["title"] == "Too many attempts"
    assert 1 <= int(response.headers["Retry-After"]) <= 60
    # Otherwise the answer would tell the right guess from the wrong ones.
    problem_of(ask(guarded, ADMIN_TOKEN), 429)


def test_the_form_and_the_api_count_together_and_the_form_says_so_to_people(
    guarded: Application,
) -> None:
    person = Person(guarded.app, GUESSER)
    for _ in range(OF_ONE.amount // 2):
        assert person.log_in(WRONG).status_code == 401
    guess(guarded, times=OF_ONE.amount - OF_ONE.amount // 2)
    for token in (WRONG, ADMIN_TOKEN):
        response = person.log_in(token)
        assert response.status_code == 429
        assert response.mimetype == "text/html"
        assert "Wait" in response.text
        assert int(response.headers["Retry-After"]) > 0
    assert not person.is_logged_in


def test_the_right_token_opens_from_everywhere_else(guarded: Application) -> None:
    guess(guarded)
    assert ask(guarded, ADMIN_TOKEN, OPERATOR).status_code == 200
    assert Person(guarded.app, OPERATOR).log_in().status_code == 303


def test_who_is_logged_in_stays_so_while_somebody_guesses_from_the_same_address(
    guarded: Application,
) -> None:
    person = Person(guarded.app, GUESSER)
    person.log_in()
    guess(guarded)
    assert person.is_logged_in


def test_many_addresses_together_get_one_guess_each_and_lock_out_nobody(
    guarded: Application,
) -> None:
    for number in range(OF_ALL.amount // 5):
        guess(guarded, f"203.0.113.{number}", times=5)
    problem_of(ask(guarded, WRONG, "203.0.113.0"), 429)
    problem_of(ask(guarded, WRONG, "203.0.113.200"), 401)
    problem_of(ask(guarded, WRONG, "203.0.113.200"), 429)
    assert ask(guarded, ADMIN_TOKEN, OPERATOR).status_code == 200


def test_right_tokens_and_requests_without_one_are_not_counted(guarded: Application) -> None:
    for _ in range(2 * OF_ONE.amount):
        assert ask(guarded, ADMIN_TOKEN).status_code == 200
        problem_of(guarded.client.get("/admin/events", environ_base={"REMOTE_ADDR": GUESSER}), 401)
    assert ask(guarded, ADMIN_TOKEN).status_code == 200


def test_the_processes_of_one_service_count_together(make_application: MakeApplication) -> None:
    first, second = make_application(), make_application()
    guess(first)
    problem_of(ask(second, ADMIN_TOKEN), 429)


def test_a_client_with_ipv6_is_its_network(application: Application) -> None:
    for number in range(OF_ONE.amount):
        problem_of(ask(application, WRONG, f"2001:db8:1:2::{number:x}"), 401)
    problem_of(ask(application, WRONG, "2001:db8:1:2:ffff::1"), 429)
    problem_of(ask(application, WRONG, "2001:db8:1:3::1"), 401)
    assert ask(application, ADMIN_TOKEN, "::ffff:198.51.100.9").status_code == 200


@pytest.mark.parametrize("address", ["", "nowhere"])
def test_a_client_without_an_address_is_counted_too(application: Application, address: str) -> None:
    guess(application, address)
    problem_of(ask(application, WRONG, address), 429)


def test_what_a_client_says_of_its_address_is_not_believed(application: Application) -> None:
    for number in range(OF_ONE.amount):
        said = {"X-Forwarded-For": f"203.0.113.{number}", "Forwarded": f"for=203.0.113.{number}"}
        problem_of(ask(application, WRONG, **said), 401)
    problem_of(ask(application, WRONG, **{"X-Forwarded-For": "203.0.113.99"}), 429)


def test_what_a_trusted_proxy_says_is_believed_and_nothing_to_the_left_of_it(
    make_application: MakeApplication,
) -> None:
    application = make_application(TRUSTED_PROXIES="1")
    for number in range(OF_ONE.amount):
        said = {"X-Forwarded-For": f"203.0.113.{number}, {GUESSER}"}
        problem_of(ask(application, WRONG, "10.0.0.1", **said), 401)
    refused = ask(application, WRONG, "10.0.0.1", **{"X-Forwarded-For": f"8.8.8.8, {GUESSER}"})
    problem_of(refused, 429)
    other = ask(application, ADMIN_TOKEN, "10.0.0.1", **{"X-Forwarded-For": OPERATOR})
    assert other.status_code == 200
