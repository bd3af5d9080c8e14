"""The shop's handler of the service under observation: it fails for as long as a file is there."""

from __future__ import annotations

import os
from pathlib import Path

from sqlalchemy.orm import Session

from payments.handlers import Effects, HandledEvent, PermanentFailure, handles

SWITCH = "OBSERVED_HANDLER_FAILS"


@handles("stripe", "payment_intent.*")
def fulfil(event: HandledEvent, session: Session, effects: Effects) -> None:
    if Path(os.environ[SWITCH]).exists():
        raise ConnectionError("the warehouse does not answer")


@handles("stripe", "charge.failed")
def never(event: HandledEvent, session: Session, effects: Effects) -> None:
    raise PermanentFailure("nobody knows what to do with it")
