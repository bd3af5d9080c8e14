"""A person with a browser: follows forms, keeps cookies, runs no scripts."""

from __future__ import annotations

import re
from html import unescape
from typing import Any

from flask import Flask
from werkzeug.test import TestResponse

from tests.support.deliveries import ADMIN_TOKEN

CSRF_FIELD = re.compile(r'name="csrf_token" value="([^"]+)"')


def csrf_token_in(page: TestResponse) -> str:
    """What the page's form would send along."""
    found = CSRF_FIELD.search(page.text)
    assert found is not None, page.text
    return unescape(found[1])


class Person:
    """One browser, with the cookies of one person."""

    def __init__(self, app: Flask, address: str = "127.0.0.1") -> None:
        self.app = app
        self.client = app.test_client()
        self._from = {"REMOTE_ADDR": address}

    def get(self, path: str, **kwargs: Any) -> TestResponse:
        return self.client.get(path, environ_base=self._from, **kwargs)

    def post(self, path: str, /, **fields: str | list[str]) -> TestResponse:
        return self.client.post(path, data=fields, environ_base=self._from)

    def press(
        self, page: str, to: str, /, *, part: bool = False, **fields: str | list[str]
    ) -> TestResponse:
        """Sends a form of `page`, which is fetched first, to the address `to`.

        `part`: as htmx does.
        """
        return self.client.post(
            to,
            data={**fields, "csrf_token": csrf_token_in(self.get(page))},
            headers={"HX-Request": "true"} if part else {},
            environ_base=self._from,
        )

    def log_in(self, token: str = ADMIN_TOKEN, wanted: str = "") -> TestResponse:
        """Fills in the form of /console/login."""
        form = self.get("/console/login", query_string={"next": wanted} if wanted else {})
        return self.post("/console/login", token=token, next=wanted, csrf_token=csrf_token_in(form))

    def log_out(self) -> TestResponse:
        """Presses the button that each page has."""
        page = self.get("/console")
        return self.post("/console/logout", csrf_token=csrf_token_in(page))

    @property
    def is_logged_in(self) -> bool:
        page = self.get("/console")
        assert page.status_code in (200, 303), page.text
        return page.status_code == 200

    @property
    def cookie(self) -> str | None:
        """The value of the session's cookie."""
        cookie = self.client.get_cookie(self.app.config["SESSION_COOKIE_NAME"])
        return cookie.value if cookie else None

    def take_cookie(self, value: str) -> None:
        """As somebody does who has a copy of it, or has made one up."""
        self.client.set_cookie(self.app.config["SESSION_COOKIE_NAME"], value)
