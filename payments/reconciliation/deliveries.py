"""Counting deliveries that were accepted, and those that were refused for their signature.

Each process counts in memory and writes at most every ten seconds: one small statement, whatever
the number of deliveries, so that a forger cannot make the database busy. A process that is killed
loses the seconds since it wrote last; it is the share that matters, not the last one.
"""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable
from datetime import datetime
from typing import Any, cast

import structlog
from flask import Flask, current_app

from payments.database import insert_into, transaction
from payments.models import DeliveryCount
from payments.reconciliation.hours import hour_of

EXTENSION = "payments.delivery_counter"
WRITE_EVERY_SECONDS = 10.0

log = structlog.get_logger(__name__)
# Provider, account, hour, and whether it was accepted.
Key = tuple[str, str, datetime, bool]


class DeliveryCounter:
    """What this process has counted and not yet written; used by all its threads."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._counts: Counter[Key] = Counter()
        self._write_at = 0.0

    def count(self, provider: str, account: str, at: datetime, *, accepted: bool) -> None:
        with self._lock:
            self._counts[provider, account, hour_of(at), accepted] += 1

    def claim_write(self) -> bool:
        """Whether the caller is the one to write now: something is counted, and nobody has tried
        for ten seconds. It is true for one caller."""
        with self._lock:
            if not self._counts or self._clock() < self._write_at:
                return False
            self._write_at = self._clock() + WRITE_EVERY_SECONDS
            return True

    def write(self) -> None:
        """Add what was counted to the rows. Never raises: what is not written is tried again."""
        with self._lock:
            counts, self._counts = self._counts, Counter()
        if not counts:
            return
        try:
            _add(counts)
        except Exception as error:  # a count must not cost a delivery
            log.warning("deliveries not counted yet", error=type(error).__name__)
            with self._lock:
                self._counts.update(counts)


def delivery_counter() -> DeliveryCounter:
    """The counter of the current application."""
    return cast(DeliveryCounter, current_app.extensions[EXTENSION])


def write_counts_of(app: Flask) -> None:
    """Write what this process has counted so far. Never raises."""
    with app.app_context():
        delivery_counter().write()


def _add(counts: Counter[Key]) -> None:
    with transaction() as session:
        statement = insert_into(session, DeliveryCount).values(_rows(counts))
        new = statement.excluded
        session.execute(
            statement.on_conflict_do_update(
                index_elements=["provider", "account", "hour"],
                set_={
                    "accepted": DeliveryCount.accepted + new.accepted,
                    "refused": DeliveryCount.refused + new.refused,
                },
            )
        )


def _rows(counts: Counter[Key]) -> list[dict[str, Any]]:
    """In one order, so that two processes do not wait for each other."""
    return [
        {
            "provider": provider,
            "account": account,
            "hour": hour,
            "accepted": counts[provider, account, hour, True],
            "refused": counts[provider, account, hour, False],
        }
        for provider, account, hour in sorted({key[:3] for key in counts})
    ]
