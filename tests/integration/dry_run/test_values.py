"""How a dry run shows values: each kind, long ones cut, secrets masked."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

from tests.integration.dry_run.shop import Handle, Order, Thing, changes, is_sqlite
from tests.support.application import Application
from tests.support.deliveries import STRIPE_SECRET


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
