"""Every page, light and dark, wide and on a phone: axe-core finds nothing serious."""

from __future__ import annotations

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser

from tests.e2e.console.conftest import OPERATOR, Shop
from tests.support.browser import Visit
from tests.support.waiting import eventually

SERIOUS = ("serious", "critical")
WIDE, PHONE = {"width": 1280, "height": 900}, {"width": 360, "height": 740}
PAGES = (
    "/console",
    "/console/events",
    "/console/events?status=nothing",
    "/console/events/1",
    "/console/dead-letters",
    "/console/dead-letters/1",
    "/console/bulk",
    "/console/payments",
    "/console/reconciliation",
    "/console/reconciliation/runs",
    "/console/reconciliation/findings/1",
    "/console/audit",
    "/console/configuration",
    "/console/nothing",
    "/admin/rq",
)


@pytest.mark.parametrize(
    ("scheme", "viewport"), [("light", WIDE), ("dark", WIDE), ("light", PHONE)]
)
def test_no_page_has_a_serious_fault_or_scrolls_sideways(
    chromium: Browser, shop: Shop, finding: str, scheme: str, viewport: dict[str, int]
) -> None:
    shop.breaks()
    shop.sells()
    eventually(lambda: "dead" in shop.flask("events", "list", "--status", "dead"), "one is dead")
    shop.is_mended()
    visit = Visit(chromium, shop.service.url, viewport=viewport, color_scheme=scheme)
    visit.log_in(OPERATOR)
    found: list[str] = []
    for path in PAGES:
        page = visit.open(path)
        wide = page.evaluate("document.documentElement.scrollWidth")
        found += [f"{path} is {wide} wide"] if wide > viewport["width"] else []
        found += [
            f"{path}: {fault['id']}: {node['html'][:120]}"
            for fault in Axe().run(page).response["violations"]
            if fault["impact"] in SERIOUS
            for node in fault["nodes"][:3]
        ]
    visit.page.context.close()
    assert found == []
