"""Three in the morning, in a real browser: from "something is wrong" to "understood and mended"."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.console.conftest import Shop
from tests.support.browser import Visit
from tests.support.waiting import eventually

PATIENCE = 30_000
DEAD_LETTERS = 200


def dead(shop: Shop) -> int:
    return int(re.search(r"^dead +(\d+)", shop.flask("status"), re.M)[1])  # type: ignore[index]


def until_dead(shop: Shop, number: int) -> None:
    eventually(lambda: dead(shop) == number, f"{number} are dead", 100)


def test_a_failed_event_is_found_understood_replayed_and_seen_processed(
    shop: Shop, eve: Visit
) -> None:
    shop.breaks()
    shop.sells()
    until_dead(shop, 1)
    page = eve.open("/console")
    page.get_by_role("link", name=re.compile("refused")).first.click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("refused")
    page.get_by_role("table").get_by_role("link", name=re.compile("evt_")).first.click()
    expect(page.locator("section[aria-labelledby=cause]")).to_contain_text("Connection refused")

    page.get_by_role("button", name="Preview a replay").click()
    expect(page.locator("#rehearsal")).to_contain_text("Fails again", timeout=PATIENCE)
    shop.is_mended()
    page.get_by_role("button", name="Preview a replay").click()
    expect(page.locator("#rehearsal")).not_to_contain_text("Fails again", timeout=PATIENCE)
    page.get_by_label("Reason for the replay").fill("the warehouse is back")
    page.get_by_role("button", name=re.compile("Replay event")).click()
    see(page, "h1 .status", "processed")
    expect(page.locator("section[aria-labelledby=operators]")).to_contain_text(
        "the warehouse is back"
    )
    assert eve.complaints == []


def see(page: Page, selector: str, text: str) -> None:
    """Look again, as a person would, until it says so."""

    def says() -> bool:
        page.reload()
        return text in page.locator(selector).inner_text()

    eventually(says, f"{selector} says {text}", 30)


@pytest.mark.timeout(240)
def test_a_group_of_200_dead_letters_is_retried_with_a_preview_a_count_and_progress(
    shop: Shop, eve: Visit
) -> None:
    shop.breaks()
    shop.sells(DEAD_LETTERS)
    until_dead(shop, DEAD_LETTERS)
    shop.is_mended()
    page = eve.open("/console/dead-letters")
    page.get_by_role("link", name=re.compile(f"{DEAD_LETTERS} × .*refused")).click()
    page.get_by_role("button", name=f"Preview retry of all {DEAD_LETTERS}").click()
    address = page.url
    assert "/console/bulk/" in address
    confirm = page.get_by_role("button", name=f"Retry {DEAD_LETTERS} events")
    page.get_by_label("Reason, for the audit log").fill("the warehouse is back")
    page.get_by_label("Type the number of events").fill("199")
    confirm.click()
    expect(page.get_by_role("alert").filter(has_text="Nothing was changed")).to_be_visible()
    page.get_by_label("Type the number of events").fill(str(DEAD_LETTERS))
    confirm.click()
    expect(page.get_by_role("progressbar")).to_be_visible(timeout=PATIENCE)
    context = page.context
    page.close()

    page = context.new_page()
    page.goto(address)
    expect(page.locator("main")).to_contain_text(
        re.compile(rf"{DEAD_LETTERS} of {DEAD_LETTERS} done|finished", re.I), timeout=120_000
    )
    until_dead(shop, 0)


def test_a_finding_is_signed_off_with_a_reason_and_the_audit_log_knows(
    shop: Shop, finding: str, eve: Visit
) -> None:
    page = eve.open("/console/reconciliation")
    row = page.get_by_role("row").filter(has_text=finding)
    row.get_by_role("checkbox").check()
    page.get_by_label("Why these findings are accepted").fill("made by a test of ours")
    page.get_by_role("button", name="Sign off the ticked findings").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("1 finding signed off")
    page.get_by_role("link", name="Audit").click()
    expect(page.get_by_role("row").filter(has_text="made by a test of ours")).to_contain_text("eve")
    assert eve.complaints == []


def test_a_viewer_sees_everything_and_can_change_nothing(shop: Shop, adam: Visit) -> None:
    shop.sells()
    for path in ("/console", "/console/events", "/console/events/1", "/console/dead-letters",
                 "/console/bulk", "/console/payments", "/console/reconciliation",
                 "/console/audit", "/console/configuration"):  # fmt: skip
        page = adam.open(path)
        assert page.locator("main").is_visible(), path
        forms = page.locator("main form[method=post] button:not([disabled])")
        assert forms.count() == 0, path
    token = page.locator("input[name=csrf_token]").first.input_value()
    fields = {"csrf_token": token, "action": "replay", "id": "1", "reason": "x"}
    for path in ("/console/bulk", "/console/events/1/replay",
                 "/console/reconciliation/findings/sign-off"):  # fmt: skip
        answer = page.request.post(f"{adam.url}{path}", form=fields)
        assert answer.status == 403, path


def test_without_a_login_every_page_leads_to_the_form_and_back(shop: Shop, eve: Visit) -> None:
    eve.page.get_by_role("button", name="Log out").click()
    eve.page.wait_for_url(f"{eve.url}/console/login")
    page = eve.open("/console/events?status=dead")
    assert page.url.startswith(f"{eve.url}/console/login?next=")
    assert page.get_by_role("link", name="Events").count() == 0
    answer = page.request.post(f"{eve.url}/console/events/1/replay", form={"reason": "x"})
    assert answer.status in (400, 401, 403)
