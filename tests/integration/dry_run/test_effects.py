"""Effects outside are told by a dry run, and not done."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import text

from payments.dry_run import CHANGES, FAILS, NOTHING, DryRun, dry_run
from payments.extensions import db
from payments.handlers import handles
from tests.integration.dry_run.shop import Handle, everything, is_sqlite, only_id
from tests.support.application import Application


def test_an_effect_that_was_not_done_is_told_and_not_done(rehearse: Handle) -> None:
    called: list[str] = []
    got: list[Any] = []

    def handler(event: Any, session: Any, effects: Any) -> None:
        got.extend(effects.once("email:receipt:pi_1", called.append) for _ in range(2))

    result = rehearse(handler)
    assert result.outcome == CHANGES
    assert result.changes == ()
    assert result.describe()["effects"] == [{"key": "email:receipt:pi_1", "done_at": None}]
    assert (called, got) == ([], [None, None])


def test_an_effect_that_was_done_gives_its_result_again(
    shop: Application, rehearse: Handle
) -> None:
    got: list[Any] = []

    def handler(event: Any, session: Any, effects: Any) -> None:
        got.append(effects.once("email:receipt:pi_1", lambda key: {"id": 7}))

    handles("stripe", "*")(handler)
    shop.deliver()
    shop.work()
    handles("stripe", "payment_*")(lambda *_: None)
    result = rehearse_again(shop)
    assert result.outcome == NOTHING
    [effect] = result.effects
    assert effect.done_at is not None
    assert abs((effect.done_at - datetime.now(UTC)).total_seconds()) < 60
    assert got == [{"id": 7}, {"id": 7}]


def rehearse_again(shop: Application) -> DryRun:
    before = everything()
    result = dry_run(only_id(shop))
    assert everything() == before
    return result


def test_an_effect_with_an_unusable_key_fails_as_it_would(rehearse: Handle) -> None:
    result = rehearse(lambda event, session, effects: effects.once("", print))
    assert result.outcome == FAILS
    assert (result.error or "").startswith("ValueError: an effect's key has 1 to 255")


def test_an_effect_that_a_worker_is_doing_is_not_waited_for(shop: Application) -> None:
    if is_sqlite():
        pytest.skip("a worker holds the write lock")
    handles("stripe", "*")(lambda event, session, effects: effects.once("key", print))
    shop.deliver()
    with db.engine.begin() as worker:
        worker.execute(text("SELECT pg_advisory_xact_lock(hashtextextended('key', 0))"))
        assert dry_run(only_id(shop)).outcome == CHANGES
