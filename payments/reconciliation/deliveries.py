"""Counting deliveries that were accepted, and those that were refused for their signature; and
when each secret last proved one.

Each process counts in memory and writes at most every ten seconds: one small statement, whatever
the number of deliveries, so that a forger cannot make the database busy. A process that is killed
loses the seconds since it wrote last; it is the share that matters, not the last one.
"""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, cast

import structlog
from flask import Flask, current_app
from sqlalchemy import Executable, case
from sqlalchemy.orm import Session

from payments.database import insert_into, transaction
from payments.models import DeliveryCount, SecretUse
from payments.reconciliation.hours import hour_of

EXTENSION = "payments.delivery_counter"
WRITE_EVERY_SECONDS = 10.0

log = structlog.get_logger(__name__)
# Provider, account, hour, and whether it was accepted.
Key = tuple[str, str, datetime, bool]
# Provider, account, and the label of the secret.
Label = tuple[str, str, str]


class DeliveryCounter:
    """What this process has counted and not yet written; used by all its threads."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._counts: Counter[Key] = Counter()
        self._uses: dict[Label, datetime] = {}
        self._write_at = 0.0

    def count(self, provider: str, account: str, at: datetime, *, proven_by: str | None) -> None:
        """One delivery: accepted, `proven_by` the secret of this label, or refused (None)."""
        with self._lock:
            self._counts[provider, account, hour_of(at), proven_by is not None] += 1
            if proven_by is not None:
                self._uses[provider, account, proven_by] = at

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
            uses, self._uses = self._uses, {}
        if not counts:
            return
        try:
            _add(counts, uses)
        except Exception as error:  # a count must not cost a delivery
            log.warning("deliveries not counted yet", error=type(error).__name__)
            with self._lock:
                self._counts.update(counts)
                self._uses = {**uses, **self._uses}


def delivery_counter() -> DeliveryCounter:
    """The counter of the current application."""
    return cast(DeliveryCounter, current_app.extensions[EXTENSION])


def write_counts_of(app: Flask) -> None:
    """Write what this process has counted so far. Never raises."""
    with app.app_context():
        delivery_counter().write()


def _add(counts: Counter[Key], uses: Mapping[Label, datetime]) -> None:
    with transaction() as session:
        if uses:
            session.execute(_used(session, uses))
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


def _used(session: Session, uses: Mapping[Label, datetime]) -> Executable:
    """Processes write in any order, and the latest use stays."""
    names = ("provider", "account", "label")
    rows = [dict(zip(names, key, strict=True), last_used_at=uses[key]) for key in sorted(uses)]
    statement = insert_into(session, SecretUse).values(rows)
    new = statement.excluded.last_used_at
    later = case((new > SecretUse.last_used_at, new), else_=SecretUse.last_used_at)
    return statement.on_conflict_do_update(index_elements=names, set_={"last_used_at": later})


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
