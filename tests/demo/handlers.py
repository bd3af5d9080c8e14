"""What the shop of the demo does: it ships what is paid, and has a bug with disputes."""

from __future__ import annotations

from sqlalchemy.orm import Session

from payments.handlers import Effects, HandledEvent, handles
from tests.demo.warehouse import send_order


@handles("stripe", "payment_intent.succeeded")
@handles("paypal", "PAYMENT.CAPTURE.COMPLETED")
def ship_order(event: HandledEvent, session: Session, effects: Effects) -> None:
    effects.once(f"order:{event.provider}:{event.object_id}", _order)


@handles("stripe", "charge.dispute.created")
def note_deadline(event: HandledEvent, session: Session, effects: Effects) -> None:
    """Takes for granted what not every dispute has."""
    event.data["data"]["object"]["evidence_details"]["due_by"]


def _order(key: str) -> None:
    send_order(key)
