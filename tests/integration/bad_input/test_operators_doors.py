"""Tokens and methods at the operators' doors."""

from __future__ import annotations

import pytest

from tests.integration.bad_input.cases import on_the_wire, one_database
from tests.support.application import Application, MakeApplication
from tests.support.deliveries import ADMIN_TOKEN
from tests.support.refusals import assert_refused

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
