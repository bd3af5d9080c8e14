"""A handler that fails on the first attempt at each event, when the others have done theirs."""

from __future__ import annotations

from sqlalchemy.orm import Session

from payments.extensions import settings
from payments.handlers import Effects, HandledEvent, handles


@handles("stripe", "*")
@handles("paypal", "*")
def fail_once(event: HandledEvent, session: Session, effects: Effects) -> None:
    tried = settings().var_dir / f"tried-{event.id}"
    if not tried.exists():
        tried.touch()
        raise ConnectionError("the mail server hung up")
