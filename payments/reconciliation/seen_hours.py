"""What is known of an account's hours: the rows of `reconciliation_hours`.

mark_unseen(source, hours, now, run_id)     before a run looks: what it does not reach stays so
keep_hour(source, seen, now, run_id)        what one hour looked like, seen whole
unfinished(source, since, until)            what an earlier run did not see whole
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select

from payments.database import insert_into, snapshot, transaction
from payments.models import ReconciliationHour
from payments.reconciliation.counts import Source
from payments.reconciliation.hours import HOUR, hours_between

COMPLETE, GAPS, INCOMPLETE, OPEN = "complete", "gaps", "incomplete", "open"
NAME = ("provider", "account", "hour")
BATCH = 100


@dataclass(kw_only=True)
class SeenHour:
    """One hour of one account.

    Attributes:
        theirs: events at the provider.
        ours: those of them that are here, fetched ones included.
        processed: those of ours that have ended well.
        missing: those of theirs that are not here, also not by fetching them.
    """

    hour: datetime
    state: str = INCOMPLETE
    theirs: int = 0
    ours: int = 0
    processed: int = 0
    missing: int = 0


def mark_unseen(
    source: Source, hours: Sequence[datetime], now: datetime, lag: timedelta, run_id: int
) -> None:
    """Hours that were never looked at, or while they were open, are not seen whole until they are.

    So a run that is killed leaves behind what it has not done.
    """
    for start in range(0, len(hours), BATCH):
        rows = [
            {
                **_name(source),
                **vars(SeenHour(hour=hour, state=OPEN if _is_open(hour, now, lag) else INCOMPLETE)),
                "checked_at": now,
                "run_id": run_id,
            }
            for hour in hours[start : start + BATCH]
        ]
        with transaction() as session:
            statement = insert_into(session, ReconciliationHour).values(rows)
            changed = {"state": statement.excluded.state, "run_id": statement.excluded.run_id}
            session.execute(
                statement.on_conflict_do_update(
                    index_elements=NAME, set_=changed, where=ReconciliationHour.state == OPEN
                )
            )


def keep_hour(source: Source, seen: SeenHour, now: datetime, run_id: int) -> None:
    values = {**vars(seen), "checked_at": now, "run_id": run_id}
    with transaction() as session:
        statement = insert_into(session, ReconciliationHour).values(**_name(source), **values)
        session.execute(
            statement.on_conflict_do_update(
                index_elements=NAME, set_={k: v for k, v in values.items() if k != "hour"}
            )
        )


def unfinished(source: Source, since: datetime, until: datetime) -> list[datetime]:
    """The hours from `since` to `until` that are not complete, from the first that is known on."""
    query = select(ReconciliationHour.hour, ReconciliationHour.state).where(
        *(getattr(ReconciliationHour, name) == value for name, value in _name(source).items()),
        ReconciliationHour.hour >= since,
        ReconciliationHour.hour < until,
    )
    with snapshot() as session:
        states = {row.hour: row.state for row in session.execute(query)}
    if not states:
        return []
    return [it for it in hours_between(min(states), until) if states.get(it) != COMPLETE]


def state_of(seen: SeenHour, now: datetime, lag: timedelta) -> str:
    """The state of an hour that was seen to its end, or up to now."""
    if _is_open(seen.hour, now, lag):
        return OPEN
    return GAPS if seen.missing else COMPLETE


def in_order(hours: Collection[SeenHour]) -> list[SeenHour]:
    return sorted(hours, key=lambda seen: seen.hour)


def _is_open(hour: datetime, now: datetime, lag: timedelta) -> bool:
    return hour + HOUR + lag > now


def _name(source: Source) -> dict[str, Any]:
    return {"provider": source.provider, "account": source.account}
