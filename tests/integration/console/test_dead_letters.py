"""Dead letters on pages: by cause, and what can be done about them."""

from __future__ import annotations

import re
from html import unescape

import pytest

from tests.integration.dead_letters.test_groups import know_payment
from tests.support.application import Application
from tests.support.console import Person
from tests.support.deliveries import stripe_event
from tests.support.shop import Shop, let_die, let_many_die

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
GROUP = "/console/dead-letters/1"


def words_of(text: str) -> str:
    """What a page says, without its markup."""
    return " ".join(unescape(re.sub(r"<[^>]*>", " ", text)).split())


def test_where_nothing_is_dead_it_says_so(viewer: Person) -> None:
    page = viewer.get("/console/dead-letters")
    assert "Nothing is dead" in page.text
    assert "<table" not in page.text


def test_a_cause_is_one_row_that_says_what_it_holds_up(
    application: Application, shop: Shop, operator: Person
) -> None:
    know_payment(application, 1, "JPY", authorized=1200, captured=0, objects=("pi_1",))
    shop.refuse()
    application.deliver(stripe_event("mine.failed", data={"object": {"id": "pi_1"}}))
    let_die(application, 2, "payout.failed")
    page = operator.get("/console/dead-letters")
    words = words_of(page.text)
    assert "3 dead events wait for an operator, for 1 cause." in words
    assert re.search(r"3 × connection refused by .* in refused , since \d\d:\d\d:\d\dZ", words)
    assert "1200 JPY" in words
    assert "3 failures in the last 24 hours" in page.text
    inside = operator.get(GROUP)
    words = words_of(inside.text)
    assert "Preview retry of all 3" in words
    assert "payout.failed stripe 2" in words
    assert inside.text.count("data-row") == 3


def test_what_has_no_group_is_said(application: Application, shop: Shop, operator: Person) -> None:
    shop.refuse()
    let_die(application, 2)
    application.sql("UPDATE events SET failure_group_id = NULL WHERE id = 1")
    assert "1 of them has no group yet" in words_of(operator.get("/console/dead-letters").text)


def test_a_large_group_is_paged(application: Application, shop: Shop, operator: Person) -> None:
    shop.refuse()
    ids = let_many_die(application, 120)
    seen: list[str] = []
    address = GROUP
    while address:
        page = operator.get(address)
        seen += re.findall(r'name="id" value="(\d+)"', page.text)
        following = re.search(r'href="([^"]*)" rel="next"', page.text)
        address = unescape(following[1]) if following else ""
    assert seen == [str(id) for id in sorted(ids, reverse=True)]


def test_the_newest_is_dry_run_on_demand(
    application: Application, shop: Shop, operator: Person
) -> None:
    shop.refuse()
    let_die(application)
    failing = operator.press(GROUP, f"{GROUP}/dry-run", part=True)
    assert "Fails again" in words_of(failing.text)
    assert "<html" not in failing.text
    shop.mend()
    mended = operator.press(GROUP, f"{GROUP}/dry-run")
    assert "added payments" in words_of(mended.text)
    assert "<html" in mended.text
    assert application.sql("SELECT status FROM events") == [("dead",)]


def test_news_are_told_beside_the_rows_and_not_put_among_them(
    application: Application, shop: Shop, operator: Person
) -> None:
    shop.refuse()
    let_die(application, 2)
    address = "/console/dead-letters/news?dead=2"
    assert address in operator.get("/console/dead-letters").text
    assert words_of(operator.get(address).text) == ""
    let_die(application, 3)
    assert words_of(operator.get(address).text) == "3 more dead since this was shown. Show"


def test_a_viewer_sees_it_all_and_has_no_buttons(
    application: Application, shop: Shop, viewer: Person
) -> None:
    shop.refuse()
    let_die(application, 2)
    for path in ("/console/dead-letters", "/console/dead-letters/1"):
        page = viewer.get(path)
        assert "connection refused" in page.text
        assert "Preview" not in page.text
        assert "checkbox" not in page.text.partition("<dialog")[0]
    assert viewer.press(GROUP, f"{GROUP}/dry-run").status_code == 403
