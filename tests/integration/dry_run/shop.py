"""A shop's tables and how a dry run's result on them is looked at."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import datetime
from typing import Any

from sqlalchemy import JSON, LargeBinary, inspect, select, table, text
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column

from payments.dry_run import CHANGES, DryRun
from payments.extensions import db
from payments.models import UTCDateTime
from tests.support.application import Application

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


def write(session: Session) -> None:
    session.execute(text("UPDATE shop_orders SET status = 'paid' WHERE id = 1"))


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
