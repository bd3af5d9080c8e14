"""Which window of events is due: the last hours, and once a night the whole day."""

from __future__ import annotations

from datetime import datetime, time, timedelta

from payments.config import Settings
from payments.reconciliation.coverage import Covered, reconcile_events
from payments.reconciliation.event_sources import Asked
from payments.reconciliation.hours import hour_of, latest_at
from payments.reconciliation.kept_events import KIND
from payments.reconciliation.locks import only_run
from payments.reconciliation.runs import Window, latest_run

RECENTLY, NIGHTLY = "schedule", "schedule, nightly"
RECENT_HOURS, NIGHTLY_HOURS = 2, 24


def run_events_due(
    asked: Asked, settings: Settings, now: datetime, most_seconds: float
) -> Covered | None:
    """Do what is due for this account; None where another run goes on."""
    with only_run(asked.source) as ours:
        if not ours:
            return None
        nightly = _night_is_due(asked, now, settings.reconcile_nightly_at)
        return reconcile_events(
            asked,
            window_of(asked, now, NIGHTLY_HOURS if nightly else RECENT_HOURS),
            actor=NIGHTLY if nightly else RECENTLY,
            max_per_second=settings.reconcile_max_per_second,
            most_seconds=most_seconds,
        )


def window_of(asked: Asked, now: datetime, hours: int, *, up_to_now: bool = False) -> Window:
    """So many full hours, and of this one as much as the provider can be expected to list."""
    end = (now if up_to_now else now - asked.events.lag).replace(microsecond=0)
    return Window(start=hour_of(now - timedelta(hours=hours)), end=end)


def _night_is_due(asked: Asked, now: datetime, at: time) -> bool:
    """Whether the day was not looked at since the last night; what is cut short is taken up."""
    latest = latest_run(KIND, asked.source, NIGHTLY)
    return latest is None or latest.started_at < latest_at(at, now)
