"""The handler of the services under test: it notes every call."""

from __future__ import annotations

from sqlalchemy import Column, Integer, LargeBinary, MetaData, String, Table, insert
from sqlalchemy.orm import Session

from payments.handlers import Effects, HandledEvent, handles

CALLS = Table(
    "calls",
    MetaData(),
    Column("id", Integer, primary_key=True),
    Column("event_id", String(255), nullable=False),
    Column("event_type", String(255), nullable=False),
    Column("body", LargeBinary, nullable=False),
)


@handles("stripe", "*")
@handles("paypal", "*")
def note_call(event: HandledEvent, session: Session, effects: Effects) -> None:
    row = {"event_id": event.event_id, "event_type": event.event_type, "body": event.body}
    session.execute(insert(CALLS), row)
