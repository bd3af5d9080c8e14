"""`/docs` and `site/index.html` in a real browser: all is shown, nothing comes from elsewhere."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page

from tests.support.browser import Visit
from tests.support.deliveries import ADMIN_TOKEN
from tests.support.service import ROOT, Service

OPERATION = "#operations-events-list_kept_events"


@pytest.fixture(scope="module")
def service(
    chromium: Browser, valkey_server: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Service]:
    folder = tmp_path_factory.mktemp("docs")
    with Service(folder, f"sqlite:///{folder / 'payments.db'}", valkey_server).started() as running:
        yield running


def open_operation(page: Page) -> None:
    page.click(f"{OPERATION} .opblock-summary-control")
    page.wait_for_selector(f"{OPERATION} .opblock-body")


def test_an_operation_is_read_and_tried_out_under_a_strict_policy(
    chromium: Browser, service: Service
) -> None:
    visit = Visit(chromium, service.url)
    page = visit.open("/docs")
    page.click(".authorize")
    page.fill("#auth-bearer-value", ADMIN_TOKEN)
    page.click(".modal-btn.authorize")
    page.click(".btn-done")
    open_operation(page)
    page.click(f"{OPERATION} .try-out__btn")
    page.click(f"{OPERATION} .execute")
    page.wait_for_selector(f"{OPERATION} .live-responses-table .response-col_status:text('200')")
    assert visit.complaints == []
    assert visit.hosts == {service.url.removeprefix("http://")}
    page.context.close()


def test_the_static_page_shows_the_same_from_a_file(chromium: Browser) -> None:
    visit = Visit(chromium, (ROOT / "site").as_uri())
    page = visit.open("/index.html")
    open_operation(page)
    described = json.loads((ROOT / "openapi.json").read_text())
    operations = [set(it) & {"get", "post"} for it in described["paths"].values()]
    assert page.locator(".opblock").count() == sum(map(len, operations))
    assert page.locator(".try-out__btn").count() == 0
    assert visit.complaints == []
    assert visit.hosts == {""}
    page.context.close()
