"""A handler that fails in a dry run, at once or only when its writes are checked."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import text

from payments.dry_run import FAILS
from payments.dry_run import run as machinery
from payments.errors import PermanentFailure
from tests.integration.dry_run.shop import Handle, Order, is_sqlite, write
from tests.support.application import Application
from tests.support.deliveries import STRIPE_SECRET


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (ValueError(f"no order for {STRIPE_SECRET}"), "ValueError: no order for [masked]"),
        (PermanentFailure("no such order"), "PermanentFailure: no such order"),
        (SystemExit(3), "SystemExit: 3"),
    ],
)
def test_a_handler_that_fails(rehearse: Handle, error: BaseException, told: str) -> None:
    def handler(event: Any, session: Any, effects: Any) -> None:
        write(session)
        raise error

    result = rehearse(handler)
    assert (result.outcome, result.error, result.changes) == (FAILS, told, ())
    assert result.warnings == ()


def test_a_failure_that_may_come_from_a_missing_result_says_so(rehearse: Handle) -> None:
    def handler(event: Any, session: Any, effects: Any) -> None:
        effects.once("key", lambda key: {"id": 1})["id"]

    result = rehearse(handler)
    assert result.outcome == FAILS
    assert result.warnings == (machinery.NO_RESULT,)
    assert [effect.key for effect in result.effects] == ["key"]


def test_what_fails_only_when_it_is_written_or_at_commit(
    shop: Application, rehearse: Handle
) -> None:
    shop.sql(
        "CREATE TABLE shop_parts (id INTEGER PRIMARY KEY,"
        " order_id INTEGER REFERENCES shop_orders DEFERRABLE INITIALLY DEFERRED)"
    )

    def handler(event: Any, session: Any, effects: Any) -> None:
        if is_sqlite():
            session.add(Order(id=1, status="twice", note=None))
        else:
            session.execute(text("INSERT INTO shop_parts VALUES (1, 99)"))

    try:
        result = rehearse(handler)
    finally:
        shop.sql("DROP TABLE shop_parts")
    assert result.outcome == FAILS
    assert (result.error or "").startswith("IntegrityError: ")
