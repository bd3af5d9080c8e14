"""A dry run as people see it in a terminal."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy.orm import Session

from payments.cli.dry_run import show_dry_run
from payments.dry_run import FAILS, DryRun
from tests.integration.dry_run.shop import Handle, Line, Order


def test_it_is_shown_as_a_table(rehearse: Handle, capsys: pytest.CaptureFixture[str]) -> None:
    def handler(event: Any, session: Session, effects: Any) -> None:
        session.get_one(Order, 1).status = "\x1b[31mpaid"
        session.delete(session.get_one(Line, (1, "a")))
        session.add(Order(id=9, status="", note=None))
        effects.once("email:1", print)

    result = rehearse(handler)
    capsys.readouterr()
    show_dry_run(result)
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == f"Dry run of event {result.event_id}: changes. Nothing was changed."
    table = [line.split() for line in lines[4:11]]
    assert table[0] == ["-", "shop_lines", "order_id=1,", "sku=a", "order_id", "1"]
    assert table[2] == ["count", "1"]
    assert ["~", "shop_orders", "id=1", "status", "open", r"\x1b[31mpaid"] in table
    assert ["+", "shop_orders", "id=9", "id", "9"] in table
    assert ["status", "''"] in table
    assert ["note", "NULL"] in table
    assert "  email:1: would do" in lines


def test_counts_errors_and_what_was_done_are_shown(capsys: pytest.CaptureFixture[str]) -> None:
    from payments.dry_run import NotDone, TableCount

    done = NotDone(key="sms:1", done_at=datetime(2026, 7, 1, 12, tzinfo=UTC))
    show_dry_run(
        DryRun(
            event_id=5,
            outcome=FAILS,
            error="ValueError: x",
            counts=(TableCount(table="t", updates=700, exact=False),),
            effects=(done,),
            warnings=("w",),
        )
    )
    shown = capsys.readouterr().out
    for part in ("ValueError: x\n", "t (about)", "700", "already done at 2026-07-01 12:00:00Z"):
        assert part in shown
    assert shown.endswith("\nwarning: w\n")
