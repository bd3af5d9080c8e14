"""Days of traffic that have passed: rows as intake and the workers would have left them."""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import insert

from payments.extensions import db
from payments.models import Event
from tests.support.application import Application

_numbers = itertools.count(1)


def an_event(received_at: datetime, **changes: Any) -> dict[str, Any]:
    return {
        "provider": "stripe",
        "account": "default",
        "event_id": f"evt_past_{next(_numbers)}",
        "event_type": "charge.succeeded",
        "provider_created_at": received_at,
        "received_at": received_at,
        "source": "webhook",
        "status": "processed",
        "attempts": 1,
        "conflicts": 0,
        "next_attempt_at": None,
        **changes,
    }


def hour_of_events(hour: datetime, number: int, **changes: Any) -> list[dict[str, Any]]:
    """`number` events, spread over the hour that begins at `hour`."""
    step = timedelta(hours=1) / (number + 1)
    return [an_event(hour + (place + 1) * step, **changes) for place in range(number)]


def keep(application: Application, events: Iterable[dict[str, Any]]) -> None:
    with application.app.app_context(), db.engine.begin() as connection:
        rows = list(events)
        if rows:
            connection.execute(insert(Event), rows)
