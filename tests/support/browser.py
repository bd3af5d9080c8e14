"""A real Chromium without a window, where this machine has one."""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

NAMES = ("chromium", "chromium-browser", "google-chrome")


def chromium() -> str:
    """Its path; `CHROMIUM` names another one. Skips where there is none."""
    found = os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, NAMES)), None)
    if found is None:
        pytest.skip("no Chromium here: install it (apt-get install chromium), or set CHROMIUM")
    return found


@contextlib.contextmanager
def browser() -> Iterator[Browser]:
    path = chromium()
    with sync_playwright() as playwright:
        # Its sandbox does not work for root, which is who runs tests in a container.
        started = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield started
        started.close()


class Visit:
    """One page of one person, and what the browser complains of."""

    def __init__(self, browser: Browser, url: str, **options: object) -> None:
        self.url = url
        self.page: Page = browser.new_context(**options).new_page()  # type: ignore[arg-type]
        self.complaints: list[str] = []
        self.hosts: set[str] = set()
        self.page.on("console", lambda message: self.complaints.append(message.text))
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("request", lambda request: self.hosts.add(urlsplit(request.url).netloc))

    def open(self, path: str) -> Page:
        """The page at `path`, loaded with everything in it."""
        self.page.goto(f"{self.url}{path}", wait_until="load")
        return self.page

    def log_in(self, token: str) -> None:
        """With the keyboard alone: the field has the focus."""
        page = self.open("/console/login")
        page.wait_for_function("document.activeElement.id === 'token'")
        page.keyboard.type(token)
        page.keyboard.press("Enter")
        page.wait_for_url(f"{self.url}/console")
