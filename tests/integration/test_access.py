"""Several tokens with names and roles: which open, what they may do, and whose name is noted."""

from __future__ import annotations

import pytest
from flask import Flask
from werkzeug.test import TestResponse

from payments.web.auth import require_metrics_token
from tests.support.application import Application, MakeApplication
from tests.support.refusals import problem_of

EVE, ADAM, BARE = "eve-0123456789abcdef", "adam:0123456789:abcdef", "bare-0123456789abcdef"
TOKENS = f"eve:operator:{EVE},adam:viewer:{ADAM},{BARE}"
METRICS, OLD_METRICS = "metrics-0123456789abcdef", "metrics-fedcba9876543210"
pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


@pytest.fixture
def guarded(make_application: MakeApplication) -> Application:
    return make_application(ADMIN_TOKEN=TOKENS)


def ask(application: Application, token: str, path: str = "/admin/events") -> TestResponse:
    return application.client.get(path, headers={"Authorization": f"Bearer {token}"})


def change(application: Application, token: str, path: str = "/admin/events/1/replay") -> int:
    headers = {"Authorization": f"Bearer {token}"}
    response = application.client.post(path, json={"reason": "why not"}, headers=headers)
    return response.status_code


@pytest.mark.parametrize("token", [EVE, ADAM, BARE])
def test_each_of_several_tokens_opens(guarded: Application, token: str) -> None:
    assert ask(guarded, token).status_code == 200


@pytest.mark.parametrize("token", ["adam:viewer:" + ADAM, EVE + ADAM, EVE + "," + BARE, TOKENS])
def test_an_entry_or_two_tokens_are_no_token(guarded: Application, token: str) -> None:
    problem_of(ask(guarded, token), 401)


def test_a_revoked_token_is_like_any_other_wrong_one(make_application: MakeApplication) -> None:
    application = make_application(ADMIN_TOKEN=f"eve:operator:{EVE}")
    revoked, unknown = ask(application, ADAM), ask(application, "never-0123456789abcdef")
    assert problem_of(revoked, 401)["detail"] == problem_of(unknown, 401)["detail"]
    assert revoked.headers["WWW-Authenticate"] == unknown.headers["WWW-Authenticate"]


def test_a_token_of_the_greatest_length_opens_and_with_one_more_character_does_not(
    make_application: MakeApplication,
) -> None:
    longest = "0123456789abcdef" * 64
    application = make_application(ADMIN_TOKEN=longest)
    assert ask(application, longest).status_code == 200
    for more in ("x", "x" * 100_000):
        problem_of(ask(application, longest + more), 401)


def test_the_audit_log_says_who_did_it_and_who_tried(guarded: Application) -> None:
    guarded.deliver()
    assert change(guarded, EVE) == 200
    assert change(guarded, ADAM) == 403
    assert change(guarded, BARE) == 200
    rows = guarded.sql("SELECT actor, action, reason, outcome FROM audit_log ORDER BY id")
    assert [tuple(row) for row in rows] == [
        ("eve", "events.replay", "why not", "done"),
        ("admin", "events.replay", "why not", "done"),
    ]


@pytest.mark.parametrize("path", ["/admin/dlq/retry", "/admin/dlq/discard"])
def test_a_viewer_changes_nothing(guarded: Application, path: str) -> None:
    assert change(guarded, ADAM, path) == 403
    assert guarded.sql("SELECT 1 FROM audit_log") == []


# ── METRICS_TOKEN ─────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def measured(make_application: MakeApplication) -> Application:
    """An application with a page that is guarded as /metrics will be."""
    application = make_application(METRICS_TOKEN=f"{METRICS},{OLD_METRICS}", ADMIN_TOKEN=TOKENS)
    guard_a_page(application.app)
    return application


def guard_a_page(app: Flask) -> None:
    def page() -> str:
        require_metrics_token()
        return "numbers"

    app.add_url_rule("/guarded", view_func=page)


def scrape(
    application: Application, address: str, token: str | None = None, **headers: str
) -> TestResponse:
    if token is not None:
        headers["Authorization"] = f"Bearer {token}"
    base = {"REMOTE_ADDR": address}
    return application.client.get("/guarded", headers=headers, environ_base=base)


def test_metrics_are_for_this_machine_and_for_whoever_has_the_token(measured: Application) -> None:
    for address in ("127.0.0.1", "127.8.9.1", "::1"):
        assert scrape(measured, address).status_code == 200
    for token in (METRICS, OLD_METRICS):
        assert scrape(measured, "192.0.2.1", token).status_code == 200


@pytest.mark.parametrize("token", [None, "", "wrong", EVE, f"{METRICS},{OLD_METRICS}"])
def test_metrics_are_for_nobody_else(measured: Application, token: str | None) -> None:
    problem_of(scrape(measured, "192.0.2.1", token), 401)


@pytest.mark.parametrize("header", ["Forwarded", "X-Forwarded-For"])
def test_what_a_proxy_on_this_machine_passes_on_is_not_from_this_machine(
    measured: Application, header: str
) -> None:
    problem_of(scrape(measured, "127.0.0.1", **{header: "127.0.0.1"}), 401)
    problem_of(scrape(measured, ""), 401)
