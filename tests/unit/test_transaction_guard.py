"""Which statements of a handler end the transaction that it runs in."""

from __future__ import annotations

import pytest

from payments.handlers.transaction_guard import ends_transaction


@pytest.mark.parametrize(
    "statement",
    [
        "COMMIT",
        "  commit work;",
        "-- a remark\nCOMMIT",
        "/* a remark */ ROLLBACK",
        "ROLLBACK TRANSACTION",
        "END",
        "ABORT",
        "BEGIN",
        "BEGIN IMMEDIATE",
        "START TRANSACTION",
        "PREPARE TRANSACTION 'later'",
        "UPDATE orders SET paid = true; COMMIT",
        "INSERT INTO notes VALUES ('it''s'); -- done\n commit",
    ],
)
def test_it_ends_the_transaction(statement: str) -> None:
    assert ends_transaction(statement)


@pytest.mark.parametrize(
    "statement",
    [
        "SAVEPOINT here",
        "RELEASE SAVEPOINT here",
        "ROLLBACK TO SAVEPOINT here",
        "rollback work to here",
        "ROLLBACK TRANSACTION TO here",
        "SELECT commit FROM repositories",
        "INSERT INTO notes VALUES ('first; COMMIT')",
        "DO $$ BEGIN PERFORM 1; END $$",
        "DO $f$ BEGIN PERFORM 1; COMMIT; END $f$",
        "CREATE TRIGGER t AFTER INSERT ON a BEGIN SELECT 1; END",
        "UPDATE orders SET state = 'ended'; SELECT 1",
    ],
)
def test_it_leaves_the_transaction_open(statement: str) -> None:
    assert not ends_transaction(statement)
