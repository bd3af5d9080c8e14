"""The shop's database, and one dry run in it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from payments.dry_run import DryRun, dry_run
from payments.extensions import db
from payments.handlers import handles
from tests.integration.dry_run.shop import (
    Handle,
    Line,
    Order,
    ShopBase,
    assert_free,
    everything,
    only_id,
)
from tests.support.application import Application
from tests.support.deliveries import customer_event


@pytest.fixture
def shop(application: Application) -> Iterator[Application]:
    """The handlers' tables: three orders, two lines, a ledger without a key, an empty table."""
    tables = [*reversed(ShopBase.metadata.sorted_tables)]
    application.new_event["stripe"] = customer_event
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
