"""Two handlers to copy: a payment came in, so its order is paid and a receipt goes out.

    PAYMENTS_HANDLERS=examples.handlers make run

A handler does up to three things, and may be called more than once for one event (a failure is
retried, an operator replays). None of the three happens twice:

1. It reads the event: `event.data` is the JSON as the provider sent it.
2. It writes through `session`. What it writes and the event's mark `processed` are one transaction:
   both are kept, or neither. It does not commit.
3. It does something outside of the database through `effects.once(key, send)`. That cannot be
   rolled back, so it is noted under `key`, and is not done again.

A handler that raises is called again later. `payments.handlers.PermanentFailure` says that there
is no point in that.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import DateTime, String, func, inspect, select
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column

from payments.extensions import settings
from payments.handlers import Effects, HandledEvent, PermanentFailure, handles


class Base(DeclarativeBase):
    """Tables that are not the service's own."""


class PaidOrder(Base):
    """A payment that came in, and the order that it is for, where the payment names one."""

    __tablename__ = "example_paid_orders"

    provider: Mapped[str] = mapped_column(String(32), primary_key=True)
    payment_id: Mapped[str] = mapped_column(String(255), primary_key=True)
    order_id: Mapped[str | None] = mapped_column(String(255))
    paid_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))


@handles("stripe", "payment_intent.succeeded")
def stripe_payment_succeeded(event: HandledEvent, session: Session, effects: Effects) -> None:
    payment = event.data["data"]["object"]
    order_id = payment.get("metadata", {}).get("order_id")
    _fulfil(event, session, effects, payment, order_id)


@handles("paypal", "PAYMENT.CAPTURE.COMPLETED")
def paypal_capture_completed(event: HandledEvent, session: Session, effects: Effects) -> None:
    capture = event.data["resource"]
    order_id = capture.get("custom_id") or capture.get("invoice_id")
    _fulfil(event, session, effects, capture, order_id)


def _fulfil(
    event: HandledEvent,
    session: Session,
    effects: Effects,
    payment: dict[str, Any],
    order_id: str | None,
) -> None:
    if not payment.get("id"):
        raise PermanentFailure("The event has no payment id: no later attempt would find one.")
    _make_table(session)
    # merge() inserts or updates: another event may tell of the same payment.
    session.merge(
        PaidOrder(
            provider=event.provider,
            payment_id=payment["id"],
            order_id=order_id,
            paid_at=datetime.now(UTC),
        )
    )
    receipt = {"provider": event.provider, "payment_id": payment["id"], "order_id": order_id}
    # The key names what must not happen twice, a receipt for this payment, and not the event.
    key = f"receipt:{event.provider}:{payment['id']}"
    effects.once(key, lambda key: _send_receipt(key, receipt))


def _send_receipt(key: str, receipt: dict[str, Any]) -> None:
    """Stands for a mail or an HTTP call; hand the key on, as `Idempotency-Key` or `Message-ID`.

    If the process dies after the call and before it is noted, it is called once more with the same
    key, by which the other side knows that it has done this already.
    """
    with (settings().var_dir / "receipts.jsonl").open("a", encoding="utf-8") as file:
        file.write(json.dumps({"key": key, **receipt}) + "\n")


def _make_table(session: Session) -> None:
    """So that the example runs as it is. Your own tables come with your own migrations."""
    connection = session.connection()
    if inspect(connection).has_table(PaidOrder.__tablename__):
        return
    if connection.dialect.name == "postgresql":
        # Two workers at once: the second waits, and then finds the table.
        session.execute(select(func.pg_advisory_xact_lock(func.hashtext(PaidOrder.__tablename__))))
    Base.metadata.create_all(connection)
