"""Which window of money is due: a day, every night, and all that was missed or cut short before."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, time, timedelta

from payments.extensions import settings
from payments.reconciliation.asked import sides_of
from payments.reconciliation.counts import Source
from payments.reconciliation.hours import DAY, latest_at
from payments.reconciliation.locks import only_run
from payments.reconciliation.money import KIND, Outcome, reconcile_money
from payments.reconciliation.runs import COMPLETE, Window, latest_run

# What was missed for longer is not made up for by itself.
REACH = timedelta(days=30)
SCHEDULED = "schedule"


@dataclass(frozen=True)
class Due:
    """What is to be compared, and the run that goes on with it; None: a new one."""

    window: Window
    resume: int | None = None


def run_due(source: Source, now: datetime, at: time, most_seconds: float) -> Outcome | None:
    """Do what is due for this account, for a while; None where nothing is, or it runs already."""
    sides = sides_of(source, settings())
    if sides is None:
        return None
    with only_run(source) as ours:
        due = money_due(source, now - sides.lag, at) if ours else None
        if due is None:
            return None
        return reconcile_money(
            source,
            sides.theirs,
            sides.ours,
            due.window,
            actor=SCHEDULED,
            resume=due.resume,
            most_seconds=most_seconds,
        )


def money_due(source: Source, now: datetime, at: time) -> Due | None:
    """What is due `now`, if a day's payments are compared each night `at` this time (UTC)."""
    end = latest_at(at, now)
    latest = latest_run(KIND, source, SCHEDULED)
    if latest is None:
        return Due(Window(start=end - DAY, end=end))
    reached = latest.reached_at or latest.window_start
    if latest.status != COMPLETE and max(end - REACH, reached) < latest.window_end:
        rest = Window(start=max(end - REACH, reached), end=latest.window_end)
        return Due(rest, resume=latest.id)
    if latest.window_end >= end:
        return None
    start = min(end - DAY, latest.window_end)
    return Due(Window(start=max(end - REACH, start), end=end))
