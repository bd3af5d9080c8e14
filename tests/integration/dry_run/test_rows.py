"""Which rows a dry run says would change, and in which columns."""

from __future__ import annotations

from typing import Any

from sqlalchemy import text
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from payments.dry_run import NOTHING
from tests.integration.dry_run.shop import PAID, Handle, Line, Order, changes, is_sqlite
from tests.support.application import Application


def test_rows_that_the_orm_inserts_updates_and_deletes(rehearse: Handle) -> None:
    def handler(event: Any, session: Session, effects: Any) -> None:
        order = session.get_one(Order, 1)
        order.status, order.note = "paid", event.event_type
        session.delete(session.get_one(Order, 2))
        session.add(Order(id=9, status="new", note=None))

    result = rehearse(handler)
    assert sorted(changes(result), key=str) == [
        ("shop_orders", "delete", {"id": 2},
         {"id": (2, None), "status": ("open", None), "note": (None, None)}),
        ("shop_orders", "insert", {"id": 9},
         {"id": (None, 9), "status": (None, "new"), "note": (None, None)}),
        ("shop_orders", "update", {"id": 1},
         {"status": ("open", "paid"), "note": (None, "customer.updated")}),
    ]  # fmt: skip
    [count] = result.counts
    assert (count.table, count.inserts, count.updates, count.deletes, count.exact) == (
        "shop_orders", 1, 1, 1, True,
    )  # fmt: skip
    assert result.changed_rows == 3
    assert result.duration_seconds > 0


def test_statements_of_core_and_of_text_with_a_key_of_two_columns(rehearse: Handle) -> None:
    def handler(event: Any, session: Session, effects: Any) -> None:
        session.execute(Line.__table__.update().values(count=Line.count + 1))  # type: ignore[attr-defined]
        session.execute(text("DELETE FROM shop_lines WHERE sku = 'b'"))
        session.execute(
            text("INSERT INTO shop_lines (order_id, sku, count) VALUES (2, '%\\:x', 5)")
        )

    assert sorted(changes(rehearse(handler)), key=str) == [
        ("shop_lines", "delete", {"order_id": 1, "sku": "b"},
         {"order_id": (1, None), "sku": ("b", None), "count": (1, None)}),
        ("shop_lines", "insert", {"order_id": 2, "sku": "%:x"},
         {"order_id": (None, 2), "sku": (None, "%:x"), "count": (None, 5)}),
        ("shop_lines", "update", {"order_id": 1, "sku": "a"}, {"count": (1, 2)}),
    ]  # fmt: skip


def test_an_upsert_inserts_or_updates(rehearse: Handle) -> None:
    def handler(event: Any, session: Session, effects: Any) -> None:
        insert = sqlite.insert if is_sqlite() else postgresql.insert
        rows = [{"id": id, "status": "paid", "note": None} for id in (1, 7)]
        statement = insert(Order).values(rows)
        session.execute(
            statement.on_conflict_do_update(
                index_elements=["id"], set_={"status": statement.excluded.status}
            )
        )

    [first, second] = changes(rehearse(handler))
    assert {first[1]: first[2], second[1]: second[2]} == {"update": {"id": 1}, "insert": {"id": 7}}
    assert PAID in (first, second)


def test_savepoints_count_if_they_were_kept_also_an_open_one(rehearse: Handle) -> None:
    def handler(event: Any, session: Session, effects: Any) -> None:
        savepoint = session.begin_nested()
        session.execute(text("UPDATE shop_orders SET note = 'no' WHERE id = 2"))
        session.execute(text("INSERT INTO shop_orders VALUES (8, 'given up', NULL)"))
        savepoint.rollback()
        with session.begin_nested(), session.begin_nested():
            session.execute(text("UPDATE shop_orders SET status = 'paid' WHERE id = 1"))
        session.begin_nested()  # left open
        session.execute(text("UPDATE shop_orders SET status = 'sent' WHERE id = 3"))

    assert sorted(changes(rehearse(handler)), key=str) == [
        PAID,
        ("shop_orders", "update", {"id": 3}, {"status": ("open", "sent")}),
    ]


def test_a_row_that_is_locked_and_deleted_in_different_savepoints(rehearse: Handle) -> None:
    """On PostgreSQL such a row's xmax is a multixact."""

    def handler(event: Any, session: Session, effects: Any) -> None:
        with session.begin_nested():
            session.scalars(Order.__table__.select().with_for_update(read=True, key_share=True))  # type: ignore[attr-defined]
        with session.begin_nested():
            session.execute(text("DELETE FROM shop_orders WHERE id = 2"))

    [(_, kind, key, _)] = changes(rehearse(handler))
    assert (kind, key) == ("delete", {"id": 2})


def test_changes_that_cancel_out_are_none(rehearse: Handle) -> None:
    def handler(event: Any, session: Session, effects: Any) -> None:
        for statement in (
            "UPDATE shop_orders SET status = status",
            "INSERT INTO shop_orders VALUES (8, 'x', NULL)",
            "DELETE FROM shop_orders WHERE id = 8",
            "UPDATE shop_ledger SET note = note",
            "DELETE FROM shop_lines WHERE sku = 'a'",
            "INSERT INTO shop_lines (order_id, sku, count) VALUES (1, 'a', 1)",
        ):
            session.execute(text(statement))

    result = rehearse(handler)
    assert (result.outcome, result.changes, result.counts) == (NOTHING, (), ())


def test_rows_that_are_only_read_or_locked_are_no_change(rehearse: Handle) -> None:
    def handler(event: Any, session: Session, effects: Any) -> None:
        session.scalars(Order.__table__.select().with_for_update()).all()  # type: ignore[attr-defined]
        # So that the table is looked into on PostgreSQL.
        session.execute(text("DELETE FROM shop_orders WHERE id = 3"))

    [(_, kind, key, _)] = changes(rehearse(handler))
    assert (kind, key) == ("delete", {"id": 3})


def test_a_changed_primary_key_is_one_row_less_and_one_more(rehearse: Handle) -> None:
    def handler(event: Any, session: Session, effects: Any) -> None:
        session.execute(text("UPDATE shop_orders SET id = 11 WHERE id = 1"))

    found = changes(rehearse(handler))
    assert sorted((kind, key["id"]) for _, kind, key, _ in found) == [("delete", 1), ("insert", 11)]


def test_whole_rows_of_a_table_without_a_primary_key(rehearse: Handle) -> None:
    def handler(event: Any, session: Session, effects: Any) -> None:
        session.execute(text("UPDATE shop_ledger SET note = 'new'"))
        session.execute(text("INSERT INTO shop_ledger VALUES ('evt_1', NULL)"))
        session.execute(text("INSERT INTO shop_ledger VALUES ('evt_1', NULL)"))

    assert sorted(changes(rehearse(handler)), key=str) == [
        ("shop_ledger", "delete", {}, {"event_id": ("evt_0", None), "note": ("old", None)}),
        ("shop_ledger", "insert", {}, {"event_id": (None, "evt_0"), "note": (None, "new")}),
        ("shop_ledger", "insert", {}, {"event_id": (None, "evt_1"), "note": (None, None)}),
        ("shop_ledger", "insert", {}, {"event_id": (None, "evt_1"), "note": (None, None)}),
    ]


def test_what_a_trigger_and_a_cascade_do(shop: Application, rehearse: Handle) -> None:
    statements = [
        "CREATE TABLE shop_parts (id INTEGER PRIMARY KEY,"
        " order_id INTEGER REFERENCES shop_orders ON DELETE CASCADE)",
        "INSERT INTO shop_parts VALUES (1, 2)",
    ]
    body = "INSERT INTO shop_ledger VALUES ('trigger', new.status)"
    if is_sqlite():
        statements.append(f"CREATE TRIGGER shop_note AFTER UPDATE ON shop_orders BEGIN {body}; END")
    else:
        statements += [
            "CREATE FUNCTION shop_note() RETURNS trigger LANGUAGE plpgsql"
            f" AS $$ BEGIN {body}; RETURN NULL; END $$",
            "CREATE TRIGGER shop_note AFTER UPDATE ON shop_orders"
            " FOR EACH ROW EXECUTE FUNCTION shop_note()",
        ]
    for statement in statements:
        shop.sql(statement)

    def handler(event: Any, session: Session, effects: Any) -> None:
        session.execute(text("UPDATE shop_orders SET status = 'paid' WHERE id = 1"))
        session.execute(text("DELETE FROM shop_orders WHERE id = 2"))

    try:
        result = rehearse(handler)
    finally:
        shop.sql("DROP TABLE shop_parts")
        shop.sql("DROP TRIGGER shop_note" + ("" if is_sqlite() else " ON shop_orders"))
        if not is_sqlite():
            shop.sql("DROP FUNCTION shop_note")
    assert PAID in changes(result)
    assert changes(result, "shop_parts") == [
        ("shop_parts", "delete", {"id": 1}, {"id": (1, None), "order_id": (2, None)})
    ]
    assert changes(result, "shop_ledger") == [
        ("shop_ledger", "insert", {}, {"event_id": (None, "trigger"), "note": (None, "paid")})
    ]
