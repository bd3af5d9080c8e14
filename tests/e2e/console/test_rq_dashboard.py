"""The console and rq-dashboard in a real browser: what should run does, and nothing else."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import redis
from playwright.sync_api import Browser

from tests.support.browser import Visit
from tests.support.deliveries import ADMIN_TOKEN
from tests.support.hostile_jobs import JOB_ID, SCRIPT, SCRIPTS, leave_hostile_job
from tests.support.service import Service

JOBS = "/admin/rq/0/view/jobs"
JOB_PAGES = (
    *("/admin/rq", "/admin/rq/0/view/queues", "/admin/rq/0/view/workers", JOBS),
    *(f"{JOBS}/payments/{name}/50/asc/1" for name in ("queued", "failed", "finished")),
    f"/admin/rq/0/view/job/{JOB_ID}",
)
SCHEMES = ("light", "dark")
PHONE = {"width": 360, "height": 640}


@pytest.fixture(scope="module")
def service(
    chromium: Browser, valkey_server: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Service]:
    folder: Path = tmp_path_factory.mktemp("console")
    made = Service(folder, f"sqlite:///{folder / 'payments.db'}", valkey_server)
    with made.started() as running:
        client = redis.Redis.from_url(valkey_server)
        client.flushall()
        leave_hostile_job(client)
        yield running
        client.close()


@pytest.fixture
def visit(chromium: Browser, service: Service) -> Iterator[Visit]:
    made = Visit(chromium, service.url)
    yield made
    made.page.context.close()


@pytest.mark.parametrize("script", SCRIPTS)
def test_each_script_runs_where_it_is_not_escaped(visit: Visit, script: str) -> None:
    """Or the next test would prove nothing."""
    visit.page.set_content(f"<title>a</title><pre>{script}</pre>", wait_until="networkidle")
    visit.page.wait_for_function("window.ran === 1", timeout=5000)


def test_no_script_of_a_stored_job_runs_on_any_page(visit: Visit) -> None:
    visit.log_in(ADMIN_TOKEN)
    for path in JOB_PAGES:
        page = visit.open(path)
        assert page.evaluate("window.ran") is None, path
        assert page.locator("main script, main img, main svg, [onerror], [onload]").count() == 0
    assert SCRIPT in visit.page.locator("main").inner_text()
    # Our policy had to block nothing: there was nothing to block.
    assert visit.complaints == []


def test_one_gets_in_looks_around_and_gets_out_with_the_keyboard(visit: Visit) -> None:
    visit.log_in(ADMIN_TOKEN)
    page = visit.page
    assert page.title() == "Overview · payments-api"
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Skip to the content"
    page.get_by_role("link", name="Jobs in Redis").press("Enter")
    page.get_by_role("link", name="Workers").press("Enter")
    page.wait_for_url(f"{visit.url}/admin/rq/0/view/workers")
    page.get_by_role("button", name="Log out").press("Enter")
    page.wait_for_url(f"{visit.url}/console/login")
    assert visit.open("/console").url == f"{visit.url}/console/login?next=%2Fconsole"
    assert visit.complaints == []


def test_nothing_is_loaded_from_anywhere_else(visit: Visit, service: Service) -> None:
    visit.log_in(ADMIN_TOKEN)
    for path in ("/console", "/console/nothing", *JOB_PAGES):
        visit.open(path)
    assert visit.hosts == {f"127.0.0.1:{service.port}"}


@pytest.mark.parametrize("scheme", SCHEMES)
def test_a_phone_shows_every_page_without_scrolling_sideways(
    chromium: Browser, service: Service, scheme: str
) -> None:
    visit = Visit(chromium, service.url, viewport=PHONE, color_scheme=scheme)
    visit.log_in(ADMIN_TOKEN)
    for path in ("/console", "/console/nothing", *JOB_PAGES):
        page = visit.open(path)
        assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"], path
    visit.page.context.close()
