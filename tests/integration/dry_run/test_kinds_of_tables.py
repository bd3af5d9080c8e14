"""Tables that a dry run must look at differently, or can only tell of."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from payments.dry_run import CHANGES
from tests.integration.dry_run.shop import Handle, changes, is_sqlite, write
from tests.support.application import Application


def test_a_truncated_or_new_table_is_told(rehearse: Handle) -> None:
    def handler(event: Any, session: Session, effects: Any) -> None:
        if not is_sqlite():
            session.execute(text("TRUNCATE shop_ledger"))
        session.execute(text("CREATE TABLE shop_new (id INTEGER PRIMARY KEY)"))
        session.execute(text("INSERT INTO shop_new VALUES (1)"))

    result = rehearse(handler)
    assert result.outcome == CHANGES
    told = " ".join(result.warnings)
    for name in ("schema",) if is_sqlite() else ("shop_ledger", "shop_new"):
        assert name in told


@pytest.mark.parametrize("with_trigger", [False, True])
def test_rows_that_sqlite_replaces(shop: Application, rehearse: Handle, with_trigger: bool) -> None:
    if not is_sqlite():
        pytest.skip("PostgreSQL knows no REPLACE")
    shop.sql("CREATE TABLE shop_names (id INTEGER PRIMARY KEY, name TEXT UNIQUE, note TEXT)")
    shop.sql("INSERT INTO shop_names VALUES (1, 'a', 'x'), (2, 'b', 'y')")
    if with_trigger:  # one that would recur endlessly if triggers did
        shop.sql(
            "CREATE TRIGGER shop_touch AFTER UPDATE ON shop_orders"
            " BEGIN UPDATE shop_orders SET note = 'touched' || random() WHERE id = new.id; END"
        )

    def handler(event: Any, session: Session, effects: Any) -> None:
        write(session)
        session.execute(text("REPLACE INTO shop_names VALUES (1, 'b', 'z')"))

    result = rehearse(handler)
    found = {(one.kind, one.key["id"]) for one in result.changes if one.table == "shop_names"}
    if with_trigger:
        assert found == {("update", 1)}
        assert result.warnings == ("shop_names: rows that REPLACE deletes are not shown.",)
    else:
        assert found == {("update", 1), ("delete", 2)}


def test_tables_without_rowid_with_odd_names_and_beside_virtual_ones(
    shop: Application, rehearse: Handle
) -> None:
    if not is_sqlite():
        pytest.skip("SQLite's own kinds of tables")
    shop.sql(
        'CREATE TABLE "odd ""name" (rowid TEXT, "a b" BLOB, PRIMARY KEY ("a b")) WITHOUT ROWID'
    )
    shop.sql("CREATE VIRTUAL TABLE shop_search USING fts5(words)")
    shop.sql("""INSERT INTO "odd ""name" VALUES ('r', x'00ff')""")

    def handler(event: Any, session: Session, effects: Any) -> None:
        connection = session.connection()
        connection.exec_driver_sql("""UPDATE "odd ""name" SET rowid = 's'""")
        connection.exec_driver_sql("INSERT INTO shop_search VALUES ('unseen')")

    assert changes(rehearse(handler)) == [
        ('odd "name', "update", {"a b": "\\x00ff"}, {"rowid": ("r", "s")})
    ]


def test_tables_of_another_schema_with_odd_names_and_that_inherit(
    shop: Application, rehearse: Handle
) -> None:
    if is_sqlite():
        pytest.skip("PostgreSQL's schemas")
    for statement in (
        'CREATE SCHEMA "Sh op"',
        r'CREATE TABLE "Sh op"."a \:b%" ("x \:y%" int PRIMARY KEY, "Z"" z" text)',
        r'CREATE TABLE "Sh op".child () INHERITS ("Sh op"."a \:b%")',
        """INSERT INTO "Sh op".child VALUES (1, 'z')""",
    ):
        shop.sql(statement)

    def handler(event: Any, session: Session, effects: Any) -> None:
        session.execute(text(r"""INSERT INTO "Sh op"."a \:b%" VALUES (2, NULL)"""))
        session.execute(text("""UPDATE "Sh op".child SET "Z"" z" = 'zz'"""))

    try:
        found = changes(rehearse(handler))
    finally:
        shop.sql('DROP SCHEMA "Sh op" CASCADE')
    assert sorted((table, kind, key) for table, kind, key, _ in found) == [
        ("Sh op.a :b%", "insert", {"x :y%": 2}),
        ("Sh op.child", "delete", {}),
        ("Sh op.child", "insert", {}),
    ]
