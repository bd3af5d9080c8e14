"""What is known of each account's hours, and a plain verdict. Silence is never complete."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from payments.models import ReconciliationHour
from payments.reconciliation.counts import Source
from payments.reconciliation.hours import HOUR, hours_between
from payments.reconciliation.unprocessed import unprocessed

COMPLETE, GAPS, UNKNOWN = "complete", "gaps", "unknown"
# An hour may stay open for so long after its end: providers lag, and runs take time.
MAY_BE_OPEN = timedelta(minutes=45)
SHOWN = ("state", "theirs", "ours", "processed", "missing", "checked_at")
NOTHING = dict.fromkeys(SHOWN) | {"state": UNKNOWN}


@dataclass(frozen=True, kw_only=True)
class Coverage:
    """One account's hours in a period, and the verdict on them.

    Attributes:
        verdict: `complete` says that nothing is missing here, `gaps` and `unknown` that it may be.
        reason: why it is not `complete`, or what is still to be processed where it is.
        hours: as the latest run saw them; `processed` as it is now.
    """

    provider: str
    account: str
    verdict: str
    reason: str | None
    hours: list[dict[str, Any]]

    def describe(self) -> dict[str, Any]:
        return vars(self)


def coverage_of(
    session: Session,
    sources: Mapping[Source, bool],
    start: datetime,
    now: datetime,
) -> list[Coverage]:
    """The verdict on each of `sources`, and on every account that has been compared since `start`.

    `sources` says of each account that is configured whether there is a key to ask its provider.
    Another that has been compared is a connected account, for which its platform's key asks.
    """
    hours: dict[Source, dict[datetime, dict[str, Any]]] = {source: {} for source in sources}
    query = select(ReconciliationHour).where(
        ReconciliationHour.hour >= start, ReconciliationHour.hour < now
    )
    for row in session.scalars(query):
        known = hours.setdefault(Source(row.provider, row.account), {})
        known[row.hour] = {name: getattr(row, name) for name in SHOWN}
    left = unprocessed(session, start, now)
    for source, of_source in hours.items():
        _bring_up_to_date(of_source, left.get(source, {}))
    return [
        _coverage(source, hours[source], start, now, has_key=sources.get(source, True))
        for source in sorted(hours)
    ]


def _coverage(
    source: Source,
    known: Mapping[datetime, dict[str, Any]],
    start: datetime,
    now: datetime,
    *,
    has_key: bool,
) -> Coverage:
    due = [hour for hour in hours_between(start, now) if hour + HOUR + MAY_BE_OPEN <= now]
    states = [known.get(hour, NOTHING)["state"] for hour in due]
    late = [known[hour]["state"] for hour in known if hour not in due]
    verdict, reason = _verdict(states, late, has_key=has_key)
    if verdict == COMPLETE:
        reason = _unprocessed_in(known.values())
    return Coverage(
        provider=source.provider,
        account=source.account,
        verdict=verdict,
        reason=reason,
        hours=[{"hour": hour, **known.get(hour, NOTHING)} for hour in hours_between(start, now)],
    )


def _verdict(
    due: Collection[str], later: Collection[str], *, has_key: bool
) -> tuple[str, str | None]:
    """A gap that is known outweighs what is not known."""
    gaps = [*due, *later].count(GAPS)
    if gaps:
        return GAPS, f"Events are missing in {_hours(gaps)}."
    if not has_key:
        return UNKNOWN, "No key is configured with which the provider could be asked."
    open_questions = Counter(state for state in due if state != COMPLETE)
    if open_questions:
        told = {
            UNKNOWN: "not compared",
            "incomplete": "cut short",
            "open": "not compared to its end",
        }
        parts = [f"{_hours(number)} {told[state]}" for state, number in open_questions.items()]
        return UNKNOWN, f"Not known: {', '.join(parts)}."
    if not due:
        return UNKNOWN, "No hour of this period is over."
    return COMPLETE, None


def _bring_up_to_date(
    known: Mapping[datetime, dict[str, Any]], left: Mapping[datetime, int]
) -> None:
    """`processed` is what it is now: a run saw an event before its handlers had done it, or since
    then it was replayed, and died."""
    for hour, shown in known.items():
        shown["processed"] = max(0, shown["ours"] - left.get(hour, 0))


def _unprocessed_in(hours: Iterable[Mapping[str, Any]]) -> str | None:
    left = sum(it["ours"] - it["processed"] for it in hours)
    return f"All are here; {left:,} {'is' if left == 1 else 'are'} not processed." if left else None


def _hours(number: int) -> str:
    return f"{number} hour{'s' * (number != 1)}"
