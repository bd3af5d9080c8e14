"""Addresses that nobody's link has made: each gets a page that says what to do, and no error."""

from __future__ import annotations

import pytest

from tests.support.application import Application
from tests.support.console import Person
from tests.support.shop import Shop, let_die

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)

LISTS = ("/console/dead-letters", "/console/bulk", "/console/payments")
ONES = (
    *("/console/dead-letters/{}", "/console/bulk/{}", "/console/payments/{}"),
    *("/console/events/{}", "/console/reconciliation/runs/{}"),
    "/console/reconciliation/findings/{}",
)
PARTS = ("/console/bulk/{}/rehearsal", "/console/bulk/{}/progress")
STRANGE = ("' OR 1=1 --", "<script>alert(1)</script>", "a\x00b", "é" * 10, "a" * 10_000)
NO_CURSOR = ("0x10", "-1", "abc", "9" * 19, "9" * 5_000, *STRANGE)
NO_ID = ("0", "99", "-1", "abc", "1.5", "9" * 19, "9" * 5_000, "<script>", "1%00", "' OR 1=1")


def test_ids_that_do_not_exist_are_404(viewer: Person) -> None:
    for path in (*ONES, *PARTS):
        for id in NO_ID:
            page = viewer.get(path.format(id))
            assert (page.status_code, page.mimetype) == (404, "text/html"), (path, id[:20])
            assert "<script>" not in page.text.replace("<script src", "")


def test_filters_and_cursors_that_are_not_understood_are_422(
    application: Application, shop: Shop, operator: Person
) -> None:
    shop.refuse()
    let_die(application)
    made = operator.press("/console/dead-letters", "/console/bulk", action="retry", group="1")
    assert made.status_code == 303
    cases = [(path, "before", value) for path in LISTS[1:] for value in NO_CURSOR]
    cases += [("/console/dead-letters/1", "before", value) for value in NO_CURSOR]
    cases += [("/console/bulk/1", "after", value) for value in NO_CURSOR]
    cases += [("/console/events/newer", "after", value) for value in NO_CURSOR]
    cases += [("/console/bulk/1", "items", value) for value in STRANGE]
    cases += [("/console/dead-letters/news", "dead", value) for value in NO_CURSOR[2:]]
    cases += [(path, "unknown", "x") for path in (*LISTS, "/console/dead-letters/1")]
    for name in ("provider", "status", "payment_id", "object_id", "currency", "account", "since"):
        cases += [("/console/payments", name, value) for value in STRANGE]
    for path, name, value in cases:
        if value == STRANGE[1] and name in ("provider", "payment_id", "object_id", "account"):
            continue  # printable ASCII without a space may be an identifier; see below
        page = operator.get(path, query_string={name: value})
        assert page.status_code == 422, (path, name, value[:20])
        assert "<script>alert" not in page.text
        assert "Clear the filters" in page.text


def test_what_might_be_an_identifier_is_looked_for_and_shown_as_text(viewer: Person) -> None:
    page = viewer.get("/console/payments", query_string={"object_id": STRANGE[1]})
    assert page.status_code == 200
    assert "No payments match." in page.text
    assert "<script>alert" not in page.text
