"""Runs that an operator asks for: begun by the web, carried out by a worker.

    ask_for_run(source, window, actor, queue, …)     -> the run's id, at once
    carry_out_asked_run(run_id, …)                   what the job does

The row comes first, so that the run can be looked at before a worker takes it. A job that is lost
leaves a run that the next one of this account marks as incomplete; its hours are not complete then.
"""

from __future__ import annotations

from datetime import datetime, timedelta

import structlog

from payments.audit import Actor, checked_reason
from payments.config import Settings
from payments.database import snapshot, transaction
from payments.errors import InvalidQuery, QueueUnavailable, Unavailable
from payments.models import AuditLog, ReconciliationRun, utc_now
from payments.queueing import JobQueue
from payments.reconciliation.counts import Source
from payments.reconciliation.coverage import Covered, reconcile_events
from payments.reconciliation.event_sources import sources_with_key
from payments.reconciliation.hours import HOUR, hour_of
from payments.reconciliation.kept_events import KIND
from payments.reconciliation.locks import only_run
from payments.reconciliation.runs import Window, begin_run, end_run

MOST_HOURS = 48
ACTION = "reconcile.run"
NOT_QUEUED = "Redis did not take the job. Ask for it again."
ANOTHER = "Another run of this account went on. Ask for it again."
LOST_KEY = "There is no key any more with which the provider could be asked."

log = structlog.get_logger(__name__)


def ask_for_run(
    source: Source,
    start: datetime,
    hours: int,
    actor: Actor,
    reason: str | None,
    *,
    dry_run: bool,
    settings: Settings,
    queue: JobQueue,
) -> int:
    """Have so many hours from `start`, a full hour, compared; what is missing is fetched.

    Raises:
        InvalidQuery: there is no reason, no key to ask with, or no such window.
        Unavailable: another run of this account goes on, or Redis did not take the job.
    """
    why = checked_reason(reason, needed=not dry_run)
    window = _window(source, start, hours, settings)
    with only_run(source) as ours:
        if not ours:
            raise Unavailable("Another run of this account goes on; ask again when it has ended.")
        run_id = begin_run(KIND, source, window, actor.name, dry_run=dry_run)
    _write_down(run_id, actor, why, dry_run=dry_run)
    try:
        queue.enqueue_run(run_id)
    except QueueUnavailable:
        end_run(run_id, NOT_QUEUED)
        raise Unavailable(NOT_QUEUED) from None
    return run_id


def carry_out_asked_run(run_id: int, settings: Settings, most_seconds: float) -> Covered | None:
    """None where the run cannot begin; its row says why."""
    with snapshot() as session:
        run = session.get_one(ReconciliationRun, run_id)
    source = Source(run.provider, run.account)
    asked = sources_with_key(settings).get(source)
    if asked is None:
        end_run(run_id, LOST_KEY)
        return None
    with only_run(source) as ours:
        if not ours:
            end_run(run_id, ANOTHER)
            return None
        return reconcile_events(
            asked,
            Window(start=run.window_start, end=run.window_end),
            actor=run.actor,
            max_per_second=settings.reconcile_max_per_second,
            dry_run=run.dry_run,
            most_seconds=most_seconds,
            run_id=run_id,
        )


def _window(source: Source, start: datetime, hours: int, settings: Settings) -> Window:
    asked = sources_with_key(settings).get(source)
    if asked is None:
        raise InvalidQuery(f"{source}: no key is configured with which it could be asked.")
    if start != hour_of(start) or not 1 <= hours <= MOST_HOURS:
        raise InvalidQuery(f"Choose 1 to {MOST_HOURS} full hours.")
    now = utc_now().replace(microsecond=0)
    if not now - asked.events.keeps + HOUR < start < now:
        days = asked.events.keeps // timedelta(days=1)
        raise InvalidQuery(f"{source.provider} lists the events of the last {days} days alone.")
    return Window(start=start, end=min(start + hours * HOUR, now))


def _write_down(run_id: int, actor: Actor, reason: str | None, *, dry_run: bool) -> None:
    with transaction() as session:
        session.add(
            AuditLog.of(actor, ACTION, f"run {run_id} begun{', dry run' * dry_run}", reason=reason)
        )
