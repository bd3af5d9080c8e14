"""Events as they are kept here, in the terms of the comparison with the provider's."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select

from payments.database import snapshot
from payments.models import Event, ReconciliationFinding
from payments.models.reconciliation import OPEN
from payments.reconciliation.counts import Source
from payments.recording import BACKFILL

BATCH = 100
# Among so many of a provider's latest events, an account's are looked for.
LATEST = 5000
KIND = "events"
# How a finding says when the event that is missing was made, and its beginning for a whole hour.
MADE, MADE_WITHIN = ", made {:%Y-%m-%d %H:%M:%SZ}", ", made {:%Y-%m-%d %H}:"
MISSING_EVENT = "missing_event"


@dataclass(frozen=True)
class KeptEvents:
    """The events of one account."""

    source: Source

    def statuses(self, ids: Collection[str], accounts: Collection[str] = ()) -> dict[str, str]:
        """The status of each of these that is here, of this account or of one of `accounts`."""
        query = select(Event.event_id, Event.status).where(
            Event.provider == self.source.provider,
            Event.account.in_({self.source.account, *accounts}),
            Event.event_id.in_(ids),
        )
        with snapshot() as session:
            return {row.event_id: row.status for row in session.execute(query)}

    def latest(self, most: int, since: datetime) -> list[tuple[str, bool | None]]:
        """The latest, and whether they are live: of those that came by themselves, if any did.

        What was fetched may have been fetched with a wrong key.
        """
        return self._latest("webhook", most, since) or self._latest(BACKFILL, most, since)

    def _latest(self, origin: str, most: int, since: datetime) -> list[tuple[str, bool | None]]:
        recent = (
            select(Event.id, Event.account, Event.event_id, Event.livemode)
            .add_columns(Event.source, Event.received_at)
            .where(Event.provider == self.source.provider)
            .order_by(Event.id.desc())
            .limit(LATEST)
            .subquery()
        )
        query = (
            select(recent.c.event_id, recent.c.livemode)
            .where(
                recent.c.account == self.source.account,
                recent.c.source == origin,
                recent.c.received_at >= since,
            )
            .order_by(recent.c.id.desc())
            .limit(most)
        )
        with snapshot() as session:
            return [(row.event_id, row.livemode) for row in session.execute(query)]

    def open_subjects(self) -> Iterator[list[str]]:
        """The ids of the events that are said to be missing, in batches."""
        after = 0
        while True:
            query = (
                select(ReconciliationFinding.id, ReconciliationFinding.subject)
                .where(
                    ReconciliationFinding.status == OPEN,
                    ReconciliationFinding.source == KIND,
                    ReconciliationFinding.kind == MISSING_EVENT,
                    ReconciliationFinding.provider == self.source.provider,
                    ReconciliationFinding.account == self.source.account,
                    ReconciliationFinding.id > after,
                )
                .order_by(ReconciliationFinding.id)
                .limit(BATCH)
            )
            with snapshot() as session:
                rows = session.execute(query).all()
            if not rows:
                return
            yield [row.subject for row in rows]
            after = rows[-1].id
