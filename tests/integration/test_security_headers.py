"""Headers that keep browsers out of trouble, on every answer whoever gives it."""

from __future__ import annotations

import pytest

from payments.web.headers import ALWAYS
from tests.support.application import Application, MakeApplication
from tests.support.console import Person
from tests.support.deliveries import ADMIN_TOKEN

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
PAGES = ("/console", "/console/login", "/console/nothing", "/admin/rq", "/admin/rq/nothing")
OTHERS = ("/health", "/ready", "/nothing", "/admin/events", "/admin/nothing", "/static/console.css")


@pytest.mark.parametrize("path", [*PAGES, *OTHERS])
def test_every_answer_has_them(application: Application, path: str) -> None:
    for headers in ({}, {"Authorization": f"Bearer {ADMIN_TOKEN}"}):
        response = application.client.get(path, headers=headers)
        assert set(ALWAYS) <= set(response.headers.keys())
        assert response.headers["X-Content-Type-Options"] == "nosniff"
        assert "frame-ancestors 'none'" in response.headers["Content-Security-Policy"]
        assert "Strict-Transport-Security" not in response.headers
        response.close()


@pytest.mark.parametrize("path", PAGES)
def test_pages_load_what_is_ours_and_nothing_inline(application: Application, path: str) -> None:
    person = Person(application.app)
    person.log_in()
    page = person.get(path)
    policy = page.headers["Content-Security-Policy"]
    assert policy.startswith("default-src 'none'; ")
    for part in ("script-src 'self'", "style-src 'self'", "form-action 'self'", "base-uri 'none'"):
        assert part in policy
    assert "unsafe" not in policy
    for inline in (" style=", "<style", "<script>", " onclick=", "javascript:", "http://", "//"):
        assert inline not in page.text, inline


@pytest.mark.parametrize("path", [*PAGES, "/admin/events", "/admin/nothing"])
def test_what_is_behind_the_login_is_kept_nowhere(application: Application, path: str) -> None:
    person = Person(application.app)
    assert person.get(path).headers["Cache-Control"] == "no-store"
    person.log_in()
    assert person.get(path).headers["Cache-Control"] == "no-store"


def test_production_asks_for_https_from_then_on(make_application: MakeApplication) -> None:
    application = make_application(
        APP_ENV="prod",
        PAYMENTS_PROVIDERS="stripe",
        REDIS_DURABLE="1",
        SESSION_SECRET="session-0123456789abcdef",
    )
    for path in ("/health", "/console/login", "/admin/events"):
        header = application.client.get(path).headers["Strict-Transport-Security"]
        assert header == "max-age=31536000"


def test_for_people_errors_are_pages_and_for_programs_they_are_problems(
    application: Application,
) -> None:
    for path, kind in (
        ("/console/nothing", "text/html"),
        ("/admin/rq/x/y", "text/html"),
        ("/consoles", "application/problem+json"),
        ("/admin/nothing", "application/problem+json"),
        ("/admin/rqx", "application/problem+json"),
    ):
        person = Person(application.app)
        person.log_in()
        response = person.get(path)
        assert (response.status_code, response.mimetype) == (404, kind)
        assert response.headers["X-Request-Id"] in response.text


def test_a_fault_of_ours_is_a_page_with_a_request_id_and_no_stack_trace(
    application: Application, monkeypatch: pytest.MonkeyPatch
) -> None:
    person = Person(application.app)
    person.log_in()

    def broken() -> str:
        raise RuntimeError("sesame")

    monkeypatch.setitem(application.app.view_functions, "console.overview", broken)
    response = person.get("/console")
    assert (response.status_code, response.mimetype) == (500, "text/html")
    assert response.headers["X-Request-Id"] in response.text
    assert "sesame" not in response.text
    assert "Traceback" not in response.text
