"""The console's door: logging in and out, and cookies that are not, or no longer, a key."""

from __future__ import annotations

import time
from datetime import timedelta
from typing import Any

import pytest
from flask.sessions import SecureCookieSessionInterface
from itsdangerous import TimestampSigner, URLSafeTimedSerializer

from payments.web import sessions
from tests.support.application import Application, MakeApplication
from tests.support.console import Person, csrf_token_in
from tests.support.deliveries import ADMIN_TOKEN

EVE, ADAM = "eve-token-0123456789abcdef", "adam-token-0123456789abcdef"
BOTH = f"eve:operator:{EVE},adam:viewer:{ADAM}"
SECRET, OTHER_SECRET = "session-0123456789abcdef", "another-0123456789abcdef"
PAGES = ("/console", "/console/", "/admin/rq", "/admin/rq/0/view/workers")
one_database = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
pytestmark = one_database


@pytest.fixture
def person(application: Application) -> Person:
    return Person(application.app)


def test_with_a_token_one_gets_in_and_with_the_button_out(person: Person) -> None:
    assert not person.is_logged_in
    response = person.log_in()
    assert (response.status_code, response.location) == (303, "/console")
    page = person.get("/console")
    assert page.status_code == 200
    assert "admin (operator)" in page.text
    assert person.log_out().location == "/console/login"
    assert person.cookie is None
    assert not person.is_logged_in


@pytest.mark.parametrize("path", PAGES)
def test_without_a_session_every_page_leads_to_the_login_and_then_back(
    person: Person, path: str
) -> None:
    response = person.get(f"{path}?a=b%20c")
    assert response.status_code == 303
    form = person.get(response.location)
    assert f'name="next" value="{path}?a=b%20c"' in form.text
    assert person.log_in(wanted=f"{path}?a=b%20c").location == f"{path}?a=b%20c"


def test_who_is_logged_in_already_is_not_asked_again(person: Person) -> None:
    person.log_in()
    assert person.get("/console/login").location == "/console"
    assert person.get("/console/login?next=/admin/rq").location == "/admin/rq"


@pytest.mark.parametrize(
    "wanted",
    [
        *("https://evil.example/console", "//evil.example/console", "/\\evil.example/console"),
        *("///evil.example/console", "\\\\evil.example", "http:/console", "https:console"),
        *(
            "/console/\\evil.example",
            "/console\\@evil.example",
            "/\t/evil.example",
            "/console\r\nSet-Cookie: a=b",
            "/\x00",
        ),
        *("javascript:alert(1)", "data:text/html,x", " //evil.example", "/console/кл", "console"),
        *("/health", "/consoles", "/admin/events", "/static/console.css", "//[/console", ""),
        "/console?" + "a" * 3000,
    ],
    ids=lambda it: ascii(it[:30]),
)
def test_the_login_leads_nowhere_but_to_pages_of_the_console(person: Person, wanted: str) -> None:
    assert person.log_in(wanted=wanted).location == "/console"
    assert person.get("/console/login", query_string={"next": wanted}).location == "/console"


@pytest.mark.parametrize(
    "token",
    ["", "   ", "wrong-0123456789abcdef", ADMIN_TOKEN[:-1], "ключ", "a\x00b", "a" * 100_000, "'--"],
    ids=lambda it: ascii(it[:20]),
)
def test_a_wrong_token_gets_the_form_again_and_no_session(person: Person, token: str) -> None:
    response = person.log_in(token)
    assert response.status_code == 401
    assert response.mimetype == "text/html"
    assert response.headers["WWW-Authenticate"].startswith("Bearer")
    assert "That is no admin token" in response.text
    assert token.strip() == "" or token not in response.text
    assert not person.is_logged_in


# ── what is in the cookie ─────────────────────────────────────────────────────────────────────


def test_the_cookie_is_out_of_reach_of_scripts_and_of_other_sites(person: Person) -> None:
    header = person.log_in().headers["Set-Cookie"]
    assert header.startswith("payments=")
    for part in ("HttpOnly", "SameSite=Lax", "Path=/", "Expires="):
        assert part in header
    assert "Domain" not in header
    assert ADMIN_TOKEN not in header


def test_in_production_the_cookie_is_for_https_and_this_host_alone(
    make_application: MakeApplication,
) -> None:
    application = make_application(
        APP_ENV="prod",
        PAYPAL_MODE="sandbox",
        PAYMENTS_PROVIDERS="stripe",
        REDIS_DURABLE="1",
        SESSION_SECRET=SECRET,
    )
    # The test client speaks HTTPS here, and sends what a browser then sends.
    client = application.app.test_client()
    base: dict[str, Any] = {"base_url": "https://payments.example"}
    form = client.get("/console/login", **base)
    fields = {"token": ADMIN_TOKEN, "csrf_token": csrf_token_in(form)}
    origin = {"Referer": "https://payments.example/console/login"}
    response = client.post("/console/login", data=fields, headers=origin, **base)
    header = response.headers["Set-Cookie"]
    assert header.startswith("__Host-payments=")
    assert "Secure" in header
    assert response.headers["Strict-Transport-Security"].startswith("max-age=")
    elsewhere = {"Referer": "https://evil.example/"}
    for headers in ({}, elsewhere):
        refused = client.post("/console/login", data=fields, headers=headers, **base)
        assert refused.status_code == 400


def test_a_login_begins_a_new_session_so_that_none_can_be_planted(person: Person) -> None:
    person.get("/console/login")
    planted = person.cookie
    assert planted is not None
    person.log_in()
    assert person.cookie != planted
    thief = Person(person.app)
    thief.take_cookie(planted)
    assert not thief.is_logged_in
    with person.client.session_transaction() as after:
        assert "csrf_token" not in after


FORGED = {
    "nothing": "",
    "words": "admin",
    "a token": ADMIN_TOKEN,
    "no signature": "eyJ0b2tlbiI6ImEifQ",
    "an empty signature": "eyJ0b2tlbiI6ImEifQ..",
    "NULs": "a\x00b",
    "as much as a cookie holds": "a" * 4_000,
}


@pytest.mark.parametrize("case", FORGED)
def test_a_cookie_that_somebody_made_up_opens_nothing(person: Person, case: str) -> None:
    person.take_cookie(FORGED[case])
    assert not person.is_logged_in


def test_a_cookie_of_which_one_character_was_changed_opens_nothing(person: Person) -> None:
    person.log_in()
    cookie = person.cookie
    assert cookie is not None
    for at in (0, len(cookie) // 2, len(cookie) - 2):
        other = "B" if cookie[at] == "A" else "A"
        person.take_cookie(cookie[:at] + other + cookie[at + 1 :])
        assert not person.is_logged_in, at
    person.take_cookie(cookie)
    assert person.is_logged_in


def signed(
    person: Person, *, secret: str = SECRET, age: timedelta = timedelta(), **changes: int | str
) -> str:
    """The person's cookie, as whoever has the secret could have signed it `age` ago."""

    class Earlier(TimestampSigner):
        def get_timestamp(self) -> int:
            return int(time.time() - age.total_seconds())

    interface = SecureCookieSessionInterface()
    with person.client.session_transaction() as session:
        content = {**session, **changes}
    serializer = URLSafeTimedSerializer(
        secret,
        salt=interface.salt,
        serializer=interface.serializer,
        signer=Earlier,
        signer_kwargs={
            "key_derivation": interface.key_derivation,
            "digest_method": interface.digest_method,
        },
    )
    return str(serializer.dumps(content))


@pytest.fixture
def eve(make_application: MakeApplication) -> Person:
    """Somebody who is logged in, where the secret is known to the test."""
    person = Person(make_application(ADMIN_TOKEN=BOTH, SESSION_SECRET=SECRET).app)
    person.log_in(EVE)
    return person


def test_a_cookie_that_was_signed_with_another_secret_opens_nothing(eve: Person) -> None:
    eve.take_cookie(signed(eve, secret=OTHER_SECRET))
    assert not eve.is_logged_in


def test_a_session_ends_an_hour_after_it_was_last_used(eve: Person) -> None:
    eve.take_cookie(signed(eve, age=sessions.IDLE - timedelta(minutes=1)))
    assert eve.is_logged_in
    eve.take_cookie(signed(eve, age=sessions.IDLE + timedelta(minutes=1)))
    assert not eve.is_logged_in


def test_a_session_that_is_used_is_renewed_but_not_with_every_answer(eve: Person) -> None:
    eve.get("/console")
    assert "Set-Cookie" not in eve.get("/console").headers
    seen = int(time.time()) - sessions.RENEWAL_SECONDS - 1
    eve.take_cookie(signed(eve, age=timedelta(minutes=30), seen=seen))
    assert "Set-Cookie" in eve.get("/console").headers


def test_a_session_ends_twelve_hours_after_it_began_however_much_it_is_used(eve: Person) -> None:
    longest = int(sessions.LONGEST.total_seconds())
    eve.take_cookie(signed(eve, began=int(time.time()) - longest + 60))
    assert eve.is_logged_in
    eve.take_cookie(signed(eve, began=int(time.time()) - longest - 60))
    assert not eve.is_logged_in
    eve.take_cookie(signed(eve, began=int(time.time()) + 3600))
    assert not eve.is_logged_in


def test_after_a_logout_a_copy_of_the_cookie_lives_on_until_it_expires(eve: Person) -> None:
    """What a signed cookie cannot do without a memory on the server (docs/adr/0008-access.md)."""
    copy = eve.cookie
    assert copy is not None
    eve.log_out()
    thief = Person(eve.app)
    thief.take_cookie(copy)
    assert thief.is_logged_in
    thief.take_cookie(signed(thief, age=sessions.IDLE + timedelta(minutes=1)))
    assert not thief.is_logged_in


@pytest.mark.parametrize(
    ("tokens", "stays"),
    [
        (f"adam:viewer:{ADAM}, eve:operator:{EVE}", True),
        (f"adam:viewer:{ADAM}", False),
        (f"eve:viewer:{EVE}", False),
        (f"eva:operator:{EVE}", False),
        (f"eve:operator:{EVE}x", False),
        ("", False),
    ],
)
def test_a_session_ends_with_its_token_its_role_or_its_name(
    make_application: MakeApplication, eve: Person, tokens: str, stays: bool
) -> None:
    later = Person(make_application(ADMIN_TOKEN=tokens, SESSION_SECRET=SECRET).app)
    later.take_cookie(eve.cookie or "")
    assert later.is_logged_in == stays


@pytest.mark.parametrize(
    ("secrets", "stays"), [(f"{OTHER_SECRET},{SECRET}", True), (OTHER_SECRET, False)]
)
def test_sessions_outlive_a_change_of_secrets_while_the_old_one_is_still_listed(
    make_application: MakeApplication, eve: Person, secrets: str, stays: bool
) -> None:
    later = Person(make_application(ADMIN_TOKEN=BOTH, SESSION_SECRET=secrets).app)
    later.take_cookie(eve.cookie or "")
    assert later.is_logged_in == stays


# ── forged forms ──────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("path", ["/console/login", "/console/logout"])
@pytest.mark.parametrize("token", ["", "wrong", "a" * 10_000, "ключ"], ids=lambda it: it[:5])
def test_a_form_without_the_right_csrf_token_changes_nothing(
    person: Person, path: str, token: str
) -> None:
    person.log_in()
    before = person.cookie
    response = person.post(path, token="wrong", csrf_token=token)
    assert response.status_code == 400
    assert response.mimetype == "text/html"
    assert "reload the page" in response.text
    assert response.headers["X-Request-Id"] in response.text
    assert person.cookie == before
    assert person.is_logged_in


def test_the_csrf_token_of_somebody_else_is_none(application: Application) -> None:
    eve, mallory = Person(application.app), Person(application.app)
    eve.log_in()
    mallory.log_in()
    stolen = csrf_token_in(mallory.get("/console"))
    assert eve.post("/console/logout", csrf_token=stolen).status_code == 400
    assert eve.is_logged_in


def test_the_csrf_token_from_before_the_login_is_none_after_it(person: Person) -> None:
    before = csrf_token_in(person.get("/console/login"))
    person.log_in()
    assert person.post("/console/logout", csrf_token=before).status_code == 400


def test_a_link_logs_nobody_out(person: Person) -> None:
    person.log_in()
    assert person.get("/console/logout").status_code == 405
    assert person.is_logged_in


def test_a_session_opens_pages_and_never_the_api(application: Application, person: Person) -> None:
    application.deliver()
    person.log_in()
    csrf_token = csrf_token_in(person.get("/console"))
    assert person.get("/admin/events").status_code == 401
    response = person.post("/admin/events/1/replay", csrf_token=csrf_token)
    assert response.status_code == 401
    assert application.sql("SELECT 1 FROM audit_log") == []


# ── what a role may do ────────────────────────────────────────────────────────────────────────


def test_a_viewer_sees_the_overview_and_a_page_that_says_what_needs_an_operator(
    make_application: MakeApplication,
) -> None:
    adam = Person(make_application(ADMIN_TOKEN=BOTH).app)
    adam.log_in(ADAM)
    page = adam.get("/console")
    assert "adam (viewer)" in page.text
    assert "/admin/rq" not in page.text
    refused = adam.get("/admin/rq")
    assert refused.status_code == 403
    assert refused.mimetype == "text/html"
    assert "an operator" in refused.text
