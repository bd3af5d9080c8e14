"""A handler that fails on the first attempt, and names everybody in what it logs and raises."""

from __future__ import annotations

import logging

from sqlalchemy.orm import Session

from payments.extensions import settings
from payments.handlers import Effects, HandledEvent, handles

logger = logging.getLogger("shop.mail")


@handles("stripe", "*")
def send_receipt(event: HandledEvent, session: Session, effects: Effects) -> None:
    person = event.data["data"]["object"].get("billing_details", {})
    logger.warning("a receipt for %s, at %s", person.get("name"), person.get("address"))
    tried = settings().var_dir / f"tried-{event.id}"
    if not tried.exists():
        tried.touch()
        raise ConnectionError(f"the mail server does not know {person.get('name')}")
