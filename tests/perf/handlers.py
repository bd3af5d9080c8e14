"""The handler whose events are processed in the benchmark: it writes one row."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, DateTime, MetaData, String, Table, func, insert
from sqlalchemy.orm import Session

from payments.handlers.effects import Effects
from payments.handlers.registry import HandledEvent, handles

ORDERS = Table(
    "perf_orders",
    MetaData(),
    Column("event_id", BigInteger, primary_key=True, autoincrement=False),
    Column("object_id", String(255), nullable=False),
    Column("paid_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
)


@handles("stripe", "payment_intent.succeeded")
def pay_order(event: HandledEvent, session: Session, effects: Effects) -> None:
    row = {"event_id": event.id, "object_id": event.data["data"]["object"]["id"]}
    session.execute(insert(ORDERS), row)
