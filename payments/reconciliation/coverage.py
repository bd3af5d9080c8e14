"""Reconciliation of events: every hour of a window, here and at its provider.

    reconcile_events(asked, window, …)

An hour is `complete` only when the provider's list of it came to its end and all that it names is
here. What was cut short stays `incomplete` and is looked at again by the next run, also outside of
that run's window, for as long as the provider lists it.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import structlog

from payments.models import utc_now
from payments.providers.asking import Pace
from payments.reconciliation.coverage_run import CoverageRun
from payments.reconciliation.event_sources import Asked
from payments.reconciliation.findings import Discrepancy
from payments.reconciliation.hours import HOUR, hour_of, hours_between
from payments.reconciliation.kept_events import KIND, KeptEvents
from payments.reconciliation.runs import Window, begin_run, carry_on, carry_out, note_progress
from payments.reconciliation.seen_hours import SeenHour, in_order, mark_unseen, unfinished

# Of our own events, so many are asked for first: whether the key is one of this account.
PROBES = 3
PAUSED = "It pauses here, and the next run goes on."
ANOTHER_ACCOUNT = (
    "The provider knows none of the latest events that are kept here: the key is of another "
    "account or mode, or the events were made up."
)

log = structlog.get_logger(__name__)


@dataclass(frozen=True, kw_only=True)
class Covered:
    """How a run ended: its columns, the hours that it saw, and what was missing at first."""

    run: dict[str, Any]
    hours: list[SeenHour]
    missing: list[Discrepancy]

    @property
    def is_complete(self) -> bool:
        """Whether all was seen, and nothing is missing now."""
        return self.run["status"] == "complete" and not any(it.missing for it in self.hours)


def reconcile_events(
    asked: Asked,
    window: Window,
    *,
    actor: str,
    max_per_second: float,
    dry_run: bool = False,
    most_seconds: float | None = None,
    on_hour: Callable[[], None] = lambda: None,
    run_id: int | None = None,
) -> Covered:
    """Compare hour by hour, and fetch what is missing. The caller holds the account's lock.

    Args:
        window: from a full hour up to any time that is not in the future.
        max_per_second: so many events are taken in at most.
        dry_run: write down the run alone.
        most_seconds: after so long it pauses, between two hours.
        run_id: a run that was begun already.

    Never raises for what the provider does: the run is incomplete then, and says why.
    """
    if run_id is None:
        run_id = begin_run(KIND, asked.source, window, actor, dry_run=dry_run)
    else:
        carry_on(run_id)
    run = CoverageRun(asked, KeptEvents(asked.source), Pace(max_per_second), run_id, dry_run)
    ended = carry_out(run_id, lambda: _run(run, window, most_seconds, on_hour))
    log.info("events reconciled", run=run_id, status=ended["status"], fetched=ended["fetched"])
    return Covered(run=ended, hours=in_order(run.seen.values()), missing=run.missing)


def _run(
    run: CoverageRun, window: Window, most_seconds: float | None, on_hour: Callable[[], None]
) -> str | None:
    """Why something was not seen; None where all was."""
    began = time.monotonic()
    now, events = utc_now(), run.asked.events
    oldest = hour_of(now - events.keeps) + HOUR
    hours = list(hours_between(window.start, window.end))
    earlier = unfinished(run.asked.source, oldest, window.start)
    if not run.dry_run:
        mark_unseen(run.asked.source, [*earlier, *hours], now, events.lag, run.run_id)
    if stranger := _stranger(run, now):
        return stranger
    for hour in [hour for hour in hours if hour >= oldest] + earlier:
        if most_seconds is not None and time.monotonic() - began > most_seconds:
            return PAUSED
        _look_at(run, hour, window)
        on_hour()
    run.look_again()
    note_progress(run.run_id, window.end, **run.take_numbers())
    return _too_old(run, hours, oldest)


def _look_at(run: CoverageRun, hour: datetime, window: Window) -> None:
    """Look, and keep the numbers, also those of an hour that was not seen to its end."""
    in_window = hour >= window.start
    reached = hour if in_window else window.end
    try:
        run.look_at(hour, window.end)
        reached = min(hour + HOUR, window.end) if in_window else window.end
    finally:
        note_progress(run.run_id, reached, **run.take_numbers())


def _stranger(run: CoverageRun, now: datetime) -> str | None:
    """Why this key cannot be of this account; None where it may well be."""
    events = run.asked.events
    latest = run.kept.latest(PROBES, now - events.keeps + timedelta(days=1))
    mode = events.livemode
    if not latest:
        return None
    if mode is not None and all(live is (not mode) for _, live in latest):
        key, kept = ("live", "tests") if mode else ("test", "live")
        return f"The key is a {key} key, and the latest events that are kept here are {kept}."
    if not any(events.knows(event_id) for event_id, _ in latest):
        return ANOTHER_ACCOUNT
    return None


def _too_old(run: CoverageRun, hours: list[datetime], oldest: datetime) -> str | None:
    lost = sum(hour < oldest for hour in hours)
    if not lost:
        return None
    name, days = run.asked.source.provider, run.asked.events.keeps.days
    return (
        f"{name} lists events for {days} days: {lost} hours before {oldest:%Y-%m-%d %H:%M} (UTC) "
        "could not be seen."
    )
