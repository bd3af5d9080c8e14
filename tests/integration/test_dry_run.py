"""A dry run tells what an event would change, and changes nothing."""

from __future__ import annotations

import contextlib
import json
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import JSON, LargeBinary, event, inspect, select, table, text
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column

from payments.cli.dry_run import show_dry_run
from payments.database import transaction
from payments.dry_run import (
    CHANGES,
    FAILS,
    IGNORED,
    NOTHING,
    PAYLOAD_EXPIRED,
    DryRun,
    dry_run,
)
from payments.dry_run import (
    postgresql as on_postgresql,
)
from payments.dry_run import (
    run as machinery,
)
from payments.dry_run import sqlite as on_sqlite
from payments.errors import NotFound, PermanentFailure
from payments.extensions import db
from payments.handlers import handles
from payments.models import Attempt, Effect, Event, UTCDateTime, utc_now
from tests.support.application import Application
from tests.support.deliveries import STRIPE_SECRET

Handle = Callable[[Callable[[Any, Any, Any], Any]], DryRun]


class ShopBase(DeclarativeBase):
    """The handlers' own tables, unknown to the service."""


class Order(ShopBase):
    __tablename__ = "shop_orders"

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    status: Mapped[str]
    note: Mapped[str | None]


class Line(ShopBase):
    __tablename__ = "shop_lines"

    order_id: Mapped[int] = mapped_column(primary_key=True)
    sku: Mapped[str] = mapped_column(primary_key=True)
    count: Mapped[int]


class Thing(ShopBase):
    __tablename__ = "shop_things"

    id: Mapped[int] = mapped_column(primary_key=True)
    at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    raw: Mapped[bytes | None] = mapped_column(LargeBinary)
    data: Mapped[Any] = mapped_column(JSON(none_as_null=True), nullable=True)
    sure: Mapped[bool | None]
    ratio: Mapped[float | None]


@pytest.fixture
def shop(application: Application) -> Iterator[Application]:
    """The handlers' tables: three orders, two lines, a ledger without a key, an empty table."""
    tables = [*reversed(ShopBase.metadata.sorted_tables)]
    with application.app.app_context():
        with db.engine.begin() as connection:
            ShopBase.metadata.create_all(connection)
            connection.execute(text("CREATE TABLE shop_ledger (event_id VARCHAR(255), note TEXT)"))
        with Session(db.engine) as session, session.begin():
            session.add_all(Order(id=id, status="open", note=None) for id in (1, 2, 3))
            session.add_all(Line(order_id=1, sku=sku, count=1) for sku in "ab")
            session.execute(text("INSERT INTO shop_ledger VALUES ('evt_0', 'old')"))
        yield application
        with db.engine.begin() as connection:
            for name in (*(table.name for table in tables), "shop_ledger"):
                connection.execute(text(f"DROP TABLE {name}"))


@pytest.fixture
def rehearse(shop: Application) -> Handle:
    """The dry run of one new event with one handler; what is in the database stays the same."""

    def run(handler: Callable[[Any, Any, Any], Any]) -> DryRun:
        handles("stripe", "*")(handler)
        if not shop.events():
            shop.deliver()
        before = everything()
        result = dry_run(only_id(shop))
        assert everything() == before
        assert_free()
        json.dumps(result.describe(), allow_nan=False)
        return result

    return run


def only_id(application: Application) -> int:
    [listed] = application.events()
    return int(listed["id"])


def everything() -> dict[str, Any]:
    """Every row of every table, and every object of the schema, as another connection sees them."""
    with db.engine.connect() as connection:
        found: dict[str, Any] = {}
        names = [
            *inspect(connection).get_table_names(),
            "sqlite_master" if is_sqlite() else "pg_class",
        ]
        for name in names:
            columns = "relname" if name == "pg_class" else "*"
            rows = connection.execute(select(text(columns)).select_from(table(name)))
            found[name] = sorted(map(repr, rows))
        return found


def assert_free() -> None:
    """Nothing is locked any more."""
    with db.engine.begin() as connection:
        if not is_sqlite():
            connection.execute(text("SET LOCAL lock_timeout = '100ms'"))
        for statement in (
            "UPDATE shop_orders SET id = id",
            "UPDATE shop_lines SET sku = sku",
            "UPDATE events SET id = id",
        ):
            connection.execute(text(statement))


def is_sqlite() -> bool:
    return db.engine.dialect.name == "sqlite"


def changes(result: DryRun, table: str | None = None) -> list[tuple[Any, ...]]:
    assert result.outcome == CHANGES, (result.outcome, result.error)
    assert result.warnings == ()
    return [
        (one.table, one.kind, dict(one.key), dict(one.columns))
        for one in result.changes
        if table in (None, one.table)
    ]


PAID = ("shop_orders", "update", {"id": 1}, {"status": ("open", "paid")})


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
         {"status": ("open", "paid"), "note": (None, "payment_intent.succeeded")}),
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


def test_values_of_every_kind(rehearse: Handle) -> None:
    at = datetime(2026, 7, 1, 12, 30, tzinfo=UTC)

    def handler(event: Any, session: Session, effects: Any) -> None:
        session.execute(text("SET LOCAL TimeZone = 'Asia/Tokyo'")) if not is_sqlite() else None
        session.add(Thing(id=1, at=at, raw=b"\x00\xff", data={"a": [1]}, sure=True, ratio=0.5))
        session.add(Thing(id=2, at=None, raw=b"", data=None, sure=None, ratio=float("inf")))
        session.add(Thing(id=3, raw=b"\xab" * 3000, data="é" * 3000))

    first, second, third = (columns for *_, columns in changes(rehearse(handler)))
    shown_at = "2026-07-01 12:30:00.000000" if is_sqlite() else "2026-07-01 12:30:00+00"
    assert {name: after for name, (_, after) in first.items()} == {
        "id": 1, "at": shown_at, "raw": "\\x00ff", "data": '{"a": [1]}',
        "sure": 1 if is_sqlite() else True, "ratio": 0.5,
    }  # fmt: skip
    assert {name: after for name, (_, after) in second.items()} == {
        "id": 2, "at": None, "raw": "\\x", "data": None, "sure": None,
        "ratio": "inf" if is_sqlite() else "Infinity",
    }  # fmt: skip
    for name, beginning in (("raw", "\\xabab"), ("data", '"')):
        shown = third[name][1]
        assert isinstance(shown, str)
        assert shown.startswith(beginning)
        assert shown.endswith("…")
        assert len(shown) == 501


def test_decimals_keep_their_digits_where_the_database_does(
    shop: Application, rehearse: Handle
) -> None:
    shop.sql("CREATE TABLE shop_prices (id INTEGER PRIMARY KEY, price NUMERIC(40, 20))")
    shop.sql("INSERT INTO shop_prices VALUES (1, 0.5)")

    def handler(event: Any, session: Session, effects: Any) -> None:
        session.execute(text("UPDATE shop_prices SET price = 12345678901234567890.25"))

    try:
        [(*_, columns)] = changes(rehearse(handler))
    finally:
        shop.sql("DROP TABLE shop_prices")
    assert columns == {
        "price": (0.5, 12345678901234567890.25)
        if is_sqlite()
        else ("0.50000000000000000000", "12345678901234567890.25000000000000000000")
    }


def test_a_long_value_that_differs_only_at_its_end_is_a_change(
    shop: Application, rehearse: Handle
) -> None:
    shop.sql("UPDATE shop_orders SET note = :note", note="x" * 5000)

    def handler(event: Any, session: Session, effects: Any) -> None:
        session.execute(text("UPDATE shop_orders SET note = note || 'y' WHERE id = 1"))

    [(*_, columns)] = changes(rehearse(handler))
    assert columns == {"note": ("x" * 500 + "…", "x" * 500 + "…")}


def test_secrets_and_people_are_masked(rehearse: Handle) -> None:
    def handler(event: Any, session: Session, effects: Any) -> None:
        note = f"{STRIPE_SECRET} jenny@example.com 4242 4242 4242 4242"
        session.get_one(Order, 1).note = note

    [(*_, columns)] = changes(rehearse(handler))
    assert columns == {"note": (None, "[masked] [masked] [masked]")}


def test_what_others_commit_meanwhile_does_not_show(shop: Application, rehearse: Handle) -> None:
    """On SQLite nobody else can: the dry run holds the write lock."""

    def others() -> None:
        with db.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            for statement in (
                "INSERT INTO shop_orders VALUES (50, 'of others', NULL)",
                "UPDATE shop_orders SET note = 'of others' WHERE id = 2",
                "DELETE FROM shop_orders WHERE id = 3",
                "INSERT INTO shop_lines VALUES (50, 'of others', 1)",
            ):
                connection.execute(text(statement))

    def handler(event: Any, session: Session, effects: Any) -> None:
        session.execute(text("UPDATE shop_orders SET status = 'paid' WHERE id = 1"))
        session.execute(text("DELETE FROM shop_lines WHERE sku = 'b'"))
        if not is_sqlite():
            in_another_thread(others)

    shop.deliver()
    handles("stripe", "*")(handler)
    result = dry_run(only_id(shop))
    assert [(kind, key) for _, kind, key, _ in changes(result)] == [
        ("delete", {"order_id": 1, "sku": "b"}),
        ("update", {"id": 1}),
    ]
    assert changes(result)[1] == PAID


def test_what_others_lock_and_change_while_the_rows_are_read(
    shop: Application, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On PostgreSQL their transaction id lies between ours and that of the reading connection."""
    if is_sqlite():
        pytest.skip("nobody else can write meanwhile")

    def others() -> None:
        with db.engine.begin() as connection:
            connection.execute(text("INSERT INTO shop_orders VALUES (60, 'of others', NULL)"))

    def handler(event: Any, session: Session, effects: Any) -> None:
        in_another_thread(others)
        session.execute(text("UPDATE shop_orders SET status = 'paid' WHERE id = 1"))
        session.execute(text("DELETE FROM shop_lines WHERE sku = 'b'"))

    original = on_postgresql.PostgreSQL.observe

    def observe(self: Any) -> Any:
        with db.engine.begin() as others:
            others.execute(text("UPDATE shop_orders SET note = 'of others' WHERE id = 2"))
            others.execute(text("SELECT * FROM shop_orders WHERE id IN (3, 60) FOR UPDATE"))
            others.execute(text("UPDATE shop_lines SET count = 7 WHERE sku = 'a'"))
            return original(self)

    monkeypatch.setattr(on_postgresql.PostgreSQL, "observe", observe)
    shop.deliver()
    handles("stripe", "*")(handler)
    found = changes(dry_run(only_id(shop)))
    assert [(kind, key) for _, kind, key, _ in found] == [
        ("delete", {"order_id": 1, "sku": "b"}),
        ("update", {"id": 1}),
    ]


def test_a_row_that_others_hold_a_shared_lock_on(shop: Application, rehearse: Handle) -> None:
    """On PostgreSQL our update then puts a multixact into its xmax."""
    if is_sqlite():
        pytest.skip("there are no row locks")

    def handler(event: Any, session: Session, effects: Any) -> None:
        session.execute(text("UPDATE shop_orders SET status = 'paid' WHERE id = 1"))

    shop.deliver()
    handles("stripe", "*")(handler)
    with db.engine.begin() as others:
        others.execute(text("SELECT * FROM shop_orders FOR KEY SHARE"))
        found = changes(dry_run(only_id(shop)))
    assert found == [PAID]


def test_what_the_same_connection_committed_before_does_not_count(
    shop: Application, rehearse: Handle, monkeypatch: pytest.MonkeyPatch
) -> None:
    """PostgreSQL's counts of a transaction hold what earlier ones have not reported yet."""
    for database in (on_postgresql, on_sqlite):
        monkeypatch.setattr(database, "MOST_ROWS", 0)
    shop.deliver()

    def handler(event: Any, session: Session, effects: Any) -> None:
        session.execute(text("UPDATE shop_orders SET status = 'paid' WHERE id = 1"))

    handles("stripe", "*")(handler)
    id = only_id(shop)
    with contextlib.ExitStack() as stack:
        pooled = range(db.engine.pool.checkedin())  # type: ignore[attr-defined]
        connections = [stack.enter_context(db.engine.connect()) for _ in pooled]
        for connection in connections:
            for _ in range(2):  # the first may be reported at once, the second waits a second
                connection.execute(text("UPDATE shop_orders SET note = 'before'"))
                connection.commit()
    [count] = dry_run(id).counts
    assert (count.table, count.total) == ("shop_orders", 1)


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


def write(session: Session) -> None:
    session.execute(text("UPDATE shop_orders SET status = 'paid' WHERE id = 1"))


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


def commit_below(session: Session) -> None:
    session.connection().commit()


def commit_in_sql(session: Session) -> None:
    session.connection().exec_driver_sql("COMMIT")


def commit_in_the_driver(session: Session) -> None:
    session.connection().connection.commit()


def roll_back_in_sql(session: Session) -> None:
    session.connection().exec_driver_sql("ROLLBACK")


def swallow(misbehave: Callable[[Session], None]) -> Callable[[Session], None]:
    def misbehave_and_go_on(session: Session) -> None:
        for _ in range(2):
            try:
                misbehave(session)
                write(session)
            except Exception:  # noqa: S110
                pass

    misbehave_and_go_on.__name__ = f"swallowed {misbehave.__name__}"
    return misbehave_and_go_on


ENDS = [
    Session.commit,
    Session.rollback,
    commit_below,
    commit_in_sql,
    commit_in_the_driver,
    roll_back_in_sql,
]


@pytest.mark.parametrize("misbehave", [*ENDS, *map(swallow, ENDS)], ids=lambda f: f.__name__)
def test_a_handler_that_ends_the_transaction_fails_and_leaves_nothing(
    rehearse: Handle, misbehave: Callable[[Session], None]
) -> None:
    def handler(event: Any, session: Session, effects: Any) -> None:
        write(session)
        misbehave(session)
        write(session)

    result = rehearse(handler)
    if misbehave.__name__ == "swallowed commit":  # refused, and then as if it had not been tried
        assert changes(result) == [PAID]
        return
    assert result.outcome == FAILS
    assert (result.error or "").startswith("HandlerMisuse: A handler must not "), result.error


def test_a_handler_that_lets_sqlite_roll_back_leaves_nothing(rehearse: Handle) -> None:
    if not is_sqlite():
        pytest.skip("PostgreSQL refuses what comes after an error")

    def handler(event: Any, session: Session, effects: Any) -> None:
        connection = session.connection().connection.driver_connection
        assert connection is not None
        statement = "INSERT OR ROLLBACK INTO shop_orders VALUES (?, 'x', NULL)"
        connection.execute(statement, (70,))
        with pytest.raises(Exception, match="UNIQUE"):
            connection.execute(statement, (1,))
        connection.execute(statement, (71,))  # would be kept, since nothing has begun

    result = rehearse(handler)
    assert result.error == f"HandlerMisuse: {machinery.NOT_THEIRS_TO_END}"


def test_a_handler_that_writes_beside_its_session_fails_and_leaves_nothing(
    rehearse: Handle, monkeypatch: pytest.MonkeyPatch
) -> None:
    def handler(event: Any, session: Session, effects: Any) -> None:
        if is_sqlite():
            with db.engine.connect() as connection:
                connection.exec_driver_sql("PRAGMA busy_timeout = 10")
        with transaction() as another:
            write(another)

    result = rehearse(handler)
    assert result.outcome == FAILS
    if not is_sqlite():
        assert "read-only transaction" in (result.error or "")
        assert len(result.warnings) == 1


def test_a_handler_that_reads_beside_its_session_may(rehearse: Handle) -> None:
    def handler(event: Any, session: Session, effects: Any) -> None:
        engine = db.engine.execution_options(payments_read_only=True)
        with Session(engine) as another:
            assert another.get_one(Order, 2).status == "open"
        write(session)

    assert changes(rehearse(handler)) == [PAID]
    with transaction() as session:  # in this thread one may write again
        session.execute(text("UPDATE shop_orders SET note = 'after'"))


@pytest.mark.parametrize("swallowing", [False, True])
def test_a_handler_that_takes_too_long_is_ended(
    rehearse: Handle, monkeypatch: pytest.MonkeyPatch, swallowing: bool
) -> None:
    for database in (on_postgresql.PostgreSQL, on_sqlite.SQLite):
        monkeypatch.setattr(database, "handler_seconds", 0.3)

    def handler(event: Any, session: Session, effects: Any) -> None:
        write(session)
        try:
            while True:
                time.sleep(0.01)
        except BaseException:
            if not swallowing:
                raise

    started = time.monotonic()
    result = rehearse(handler)
    assert time.monotonic() - started < 3
    assert result.outcome == FAILS
    assert result.error == "TookTooLong: The handlers took longer than 0.3 s."
    assert result.warnings == (machinery.NO_TIME,)


def test_a_statement_that_takes_too_long_is_ended(
    rehearse: Handle, monkeypatch: pytest.MonkeyPatch
) -> None:
    for database in (on_postgresql.PostgreSQL, on_sqlite.SQLite):
        monkeypatch.setattr(database, "handler_seconds", 0.3)

    def handler(event: Any, session: Session, effects: Any) -> None:
        write(session)
        session.execute(
            text(
                "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 10000000)"
                " SELECT count(*) FROM n"
                if is_sqlite()
                else "SELECT pg_sleep(20)"
            )
        )

    started = time.monotonic()
    result = rehearse(handler)
    assert time.monotonic() - started < 3
    assert result.error == "TookTooLong: The handlers took longer than 0.3 s."


def test_a_locked_row_is_not_waited_for_long(
    shop: Application, monkeypatch: pytest.MonkeyPatch
) -> None:
    if is_sqlite():
        pytest.skip("there are no row locks")
    monkeypatch.setattr(on_postgresql, "LOCK_SECONDS", 0.2)
    handles("stripe", "*")(lambda event, session, effects: write(session))
    shop.deliver()
    with db.engine.begin() as worker:
        worker.execute(text("SELECT * FROM shop_orders FOR UPDATE"))
        result = dry_run(only_id(shop))
    assert result.outcome == FAILS
    assert "lock timeout" in (result.error or "")
    assert len(result.warnings) == 1


@pytest.mark.parametrize("times", [1, 9])
def test_a_race_that_was_lost_is_run_again_and_at_last_told(shop: Application, times: int) -> None:
    if is_sqlite():
        pytest.skip("nobody else can write meanwhile")
    calls: list[int] = []

    def others() -> None:
        with db.engine.begin() as connection:
            connection.execute(text("UPDATE shop_orders SET note = note || 'x'"))

    def handler(event: Any, session: Session, effects: Any) -> None:
        calls.append(1)
        if len(calls) <= times:
            in_another_thread(others)
        write(session)

    handles("stripe", "*")(handler)
    shop.deliver()
    result = dry_run(only_id(shop))
    if times == 1:
        assert changes(result) == [PAID]
        return
    assert (result.outcome, result.warnings) == (FAILS, (machinery.LOST_RACE,))
    assert len(calls) == machinery.TRIES


def in_another_thread(work: Callable[[], None]) -> None:
    """With a context of its own: not the handler's."""
    thread = threading.Thread(target=with_context(work))
    thread.start()
    thread.join()


def with_context(work: Callable[[], None]) -> Callable[[], None]:
    from flask import current_app

    app = current_app._get_current_object()  # type: ignore[attr-defined]

    def run() -> None:
        with app.app_context():
            work()

    return run


def test_an_event_that_nobody_handles_is_ignored(shop: Application) -> None:
    handles("stripe", "charge.*")(lambda *_: pytest.fail("not for this type"))
    shop.deliver()
    assert dry_run(only_id(shop)).outcome == IGNORED


def test_an_event_whose_payload_has_expired(shop: Application) -> None:
    handles("stripe", "*")(lambda *_: pytest.fail("there is nothing to hand over"))
    shop.deliver()
    shop.sql("DELETE FROM event_payloads")
    assert dry_run(only_id(shop)).outcome == PAYLOAD_EXPIRED


@pytest.mark.parametrize("id", [0, -1, 999_999, 2**63])
def test_an_unknown_event_is_not_found(shop: Application, id: int) -> None:
    with pytest.raises(NotFound):
        dry_run(id)


def test_the_services_own_bookkeeping_does_not_show_but_other_events_do(
    shop: Application,
) -> None:
    shop.deliver()
    shop.deliver()
    other, own = (event["id"] for event in shop.events())

    def handler(event: Any, session: Session, effects: Any) -> None:
        assert event.id == own
        for id in (own, other):
            session.get_one(Event, id).object_id = "changed"
        session.add(Attempt(event_id=own, number=1, started_at=utc_now()))
        session.add(Effect(key="key", event_id=own, done_at=utc_now()))

    handles("stripe", "*")(handler)
    [(table, kind, key, columns)] = changes(dry_run(own))
    assert (table, kind, key, list(columns)) == ("events", "update", {"id": other}, ["object_id"])


def test_a_dry_run_neither_finishes_nor_attempts_the_event(
    shop: Application, rehearse: Handle
) -> None:
    rehearse(lambda event, session, effects: write(session))
    shown = shop.event(only_id(shop))
    assert (shown["status"], shown["attempts"], shown["history"]) == ("received", 0, [])
    shop.work()
    assert shop.event(only_id(shop))["status"] == "processed"


def test_no_trigger_table_or_setting_stays_in_any_connection(
    shop: Application, rehearse: Handle
) -> None:
    left: list[Any] = []
    closed: list[int] = []

    @event.listens_for(db.engine.pool, "invalidate")
    def look(driver: Any, *_: Any) -> None:
        closed.append(1)
        if is_sqlite():
            driver.set_authorizer(None)
            left.extend(driver.execute("SELECT name FROM sqlite_temp_master").fetchall())

    rehearse(lambda event, session, effects: write(session))
    assert closed == [1]
    assert left == []
    with db.engine.connect() as connection:
        if is_sqlite():
            query = "SELECT name FROM sqlite_temp_master UNION ALL SELECT name FROM sqlite_master"
        else:
            query = "SELECT relname FROM pg_class"
        names = connection.exec_driver_sql(f"{query}").scalars().all()
        assert [name for name in names if "dry_run" in name] == []
        if is_sqlite():
            assert connection.exec_driver_sql("PRAGMA recursive_triggers").scalar_one() == 0


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
