"""Many rows are counted, and the first of them are shown."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from payments.dry_run import CHANGES
from payments.dry_run import postgresql as on_postgresql
from payments.dry_run import run as machinery
from tests.integration.dry_run.shop import Handle, Line, Order, is_sqlite
from tests.support.application import Application


def test_many_rows_are_counted_and_the_first_are_shown(
    rehearse: Handle, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(machinery, "MOST_SHOWN", 10)

    def handler(event: Any, session: Session, effects: Any) -> None:
        session.add_all(Order(id=id, status="new", note=None) for id in range(100, 125))
        session.get_one(Order, 1).status = "paid"

    result = rehearse(handler)
    assert len(result.changes) == 10
    assert result.changed_rows == 26
    assert result.warnings == ("Only 10 of 26 changed rows are shown.",)


def test_very_many_rows_are_only_counted(rehearse: Handle) -> None:
    def handler(event: Any, session: Session, effects: Any) -> None:
        session.add_all(Order(id=id, status="new", note=None) for id in range(100, 1200))
        session.get_one(Line, (1, "a")).count = 2

    result = rehearse(handler)
    assert [(count.table, count.total, count.exact) for count in result.counts] == [
        ("shop_lines", 1, True),
        ("shop_orders", 1100, False),
    ]
    assert [change.table for change in result.changes] == ["shop_lines"]
    assert result.warnings == ("shop_orders is only counted: more than 1000 rows are touched.",)


def test_a_table_that_takes_too_long_to_read_is_only_counted(
    shop: Application, rehearse: Handle, monkeypatch: pytest.MonkeyPatch
) -> None:
    if is_sqlite():
        pytest.skip("rows are looked up by their rowid")
    monkeypatch.setattr(on_postgresql, "SCAN_SECONDS", 0)
    shop.sql("INSERT INTO shop_orders SELECT i, 'x', NULL FROM generate_series(9, 200000) i")

    def handler(event: Any, session: Session, effects: Any) -> None:
        session.execute(text("UPDATE shop_orders SET status = 'paid' WHERE id = 1"))

    result = rehearse(handler)
    assert (result.outcome, result.changes) == (CHANGES, ())
    assert [count.describe() for count in result.counts] == [
        {"table": "shop_orders", "inserts": 0, "updates": 1, "deletes": 0, "exact": False}
    ]
    assert result.warnings == ("shop_orders is only counted: reading it took too long.",)
