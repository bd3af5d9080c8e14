"""One account's events, hour by hour: what is missing here is noted and fetched."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime

import structlog

from payments.database import transaction
from payments.errors import MalformedEvent
from payments.intake import receive_backfilled
from payments.models import DISCARDED, IGNORED, PROCESSED, utc_now
from payments.providers.asking import Pace
from payments.providers.listing import ListedEvent
from payments.queueing import job_queue
from payments.reconciliation.event_sources import Asked
from payments.reconciliation.findings import Discrepancy, Scope, settle
from payments.reconciliation.hours import HOUR
from payments.reconciliation.kept_events import BATCH, KIND, MADE, MISSING_EVENT, KeptEvents
from payments.reconciliation.seen_hours import SeenHour, keep_hour, state_of

ENDED_WELL = (PROCESSED, IGNORED, DISCARDED)

log = structlog.get_logger(__name__)


@dataclass
class CoverageRun:
    """One run.

    Attributes:
        seen: the hours that were seen whole, or up to now.
        missing: what was missing when it was looked for, also where it was fetched then.
        numbers: of the run, since they were taken last.
    """

    asked: Asked
    kept: KeptEvents
    pace: Pace
    run_id: int
    dry_run: bool
    seen: dict[datetime, SeenHour] = field(default_factory=dict)
    missing: list[Discrepancy] = field(default_factory=list)
    numbers: Counter[str] = field(default_factory=Counter)

    def look_at(self, hour: datetime, end: datetime) -> None:
        """Compare one hour, up to `end`.

        Raises:
            CannotAsk: it was not seen whole. What was fetched by then is here.
        """
        seen = SeenHour(hour=hour)
        for page in self.asked.events.between(hour, min(hour + HOUR, end)):
            for start in range(0, len(page), BATCH):
                self._compare(seen, page[start : start + BATCH])
        now = utc_now()
        seen.state = state_of(seen, now, self.asked.events.lag)
        self.seen[hour] = seen
        if not self.dry_run:
            keep_hour(self.asked.source, seen, now, self.run_id)

    def look_again(self) -> None:
        """Resolve the findings whose events are here by now, however they came."""
        if not self.dry_run:
            for subjects in self.kept.open_subjects():
                self._settle(list(self.kept.statuses(subjects)), [])

    def take_numbers(self) -> dict[str, int]:
        """What was counted since they were taken last."""
        taken, self.numbers = dict(self.numbers), Counter()
        return taken

    def _compare(self, seen: SeenHour, events: Sequence[ListedEvent]) -> None:
        accounts = {event.account for event in events if event.account}
        statuses = self.kept.statuses([event.event_id for event in events], accounts)
        missing = [event for event in events if event.event_id not in statuses]
        here = 0 if self.dry_run or not missing else self._fetch(missing)
        self.missing += map(_as_missing, missing)
        processed = sum(status in ENDED_WELL for status in statuses.values())
        seen.theirs += len(events)
        seen.ours += len(statuses) + here
        seen.processed += processed
        seen.missing += len(missing) - here
        self.numbers.update(
            theirs=len(events),
            ours=len(statuses) + here,
            processed=processed,
            missing=len(missing),
        )

    def _fetch(self, missing: Sequence[ListedEvent]) -> int:
        """Note each, take each in; how many are here then."""
        ids = [event.event_id for event in missing]
        self._settle(ids, [_as_missing(event) for event in missing])
        left = [event for event in missing if not self._take_in(event)]
        self.numbers["findings"] += self._settle(ids, [_as_missing(event) for event in left])
        return len(missing) - len(left)

    def _take_in(self, event: ListedEvent) -> bool:
        self.pace.wait()
        asked = self.asked
        try:
            receipt = receive_backfilled(
                event.body, asked.provider, asked.source.account, job_queue()
            )
        except MalformedEvent as error:
            log.warning("event cannot be taken in", event_id=event.event_id, reason=str(error))
            return False
        self.numbers["fetched"] += not receipt.duplicate
        return True

    def _settle(self, subjects: Collection[str], found: Sequence[Discrepancy]) -> int:
        if not subjects:
            return 0
        scope = Scope(**vars(self.asked.source), source=KIND)
        with transaction() as session:
            return settle(
                session,
                scope,
                subjects,
                found,
                utc_now(),
                run_id=self.run_id,
                kinds=(MISSING_EVENT,),
            )


def _as_missing(event: ListedEvent) -> Discrepancy:
    when = MADE.format(event.created) if event.created else ""
    return Discrepancy(
        kind=MISSING_EVENT, subject=event.event_id, expected=f"{event.event_type}{when}"
    )
