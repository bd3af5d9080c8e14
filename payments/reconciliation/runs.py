"""The rows of runs: begun, carried on, and ended, with the reason where something was not seen."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from payments.database import transaction
from payments.errors import CannotAsk
from payments.models import ReconciliationRun, columns_of, utc_now
from payments.models.reconciliation import RUN_KINDS
from payments.reconciliation.counts import Source

RUNNING, COMPLETE, INCOMPLETE = "running", "complete", "incomplete"
INTERRUPTED = "It was interrupted."
DIED = "The process that ran it ended before the run did."


@dataclass(frozen=True, kw_only=True)
class Window:
    """From `start` up to, but not including, `end`; aware times."""

    start: datetime
    end: datetime


def begin_run(kind: str, source: Source, window: Window, actor: str, *, dry_run: bool) -> int:
    """The id of a new run. The caller holds the account's lock, so another that runs has died."""
    with transaction() as session:
        session.execute(
            update(ReconciliationRun)
            .where(*_of(kind, source), ReconciliationRun.status == RUNNING)
            .values(status=INCOMPLETE, reason=DIED, finished_at=utc_now())
        )
        run = ReconciliationRun(
            kind=kind,
            provider=source.provider,
            account=source.account,
            window_start=window.start,
            window_end=window.end,
            status=RUNNING,
            dry_run=dry_run,
            actor=actor,
            started_at=utc_now(),
            reached_at=window.start,
        )
        session.add(run)
        session.flush()
        return run.id


def carry_on(run_id: int) -> None:
    """A run that was cut short goes on."""
    _write(run_id, status=RUNNING, reason=None, finished_at=None)


def note_progress(run_id: int, reached_at: datetime, **more: int) -> None:
    """Everything before `reached_at` was seen; `more` is added to the run's numbers."""
    numbers = {name: getattr(ReconciliationRun, name) + value for name, value in more.items()}
    _write(run_id, reached_at=reached_at, **numbers)


def carry_out(run_id: int, work: Callable[[], str | None]) -> dict[str, Any]:
    """Do the `work` of a run, which says what it has not seen; the run's columns as it ended.

    Never raises for what the provider does: the run is incomplete then, and says why.
    """
    reason: str | None = INTERRUPTED
    try:
        reason = work()
    except CannotAsk as error:
        reason = str(error)
    finally:
        ended = end_run(run_id, reason)
    return ended


def end_run(run_id: int, reason: str | None) -> dict[str, Any]:
    """The run's columns as it ended; a `reason` makes it incomplete."""
    status = COMPLETE if reason is None else INCOMPLETE
    _write(run_id, status=status, reason=reason, finished_at=utc_now())
    with transaction() as session:
        return columns_of(session.get_one(ReconciliationRun, run_id))


def latest_run(kind: str, source: Source, actor: str) -> ReconciliationRun | None:
    """The latest run that this actor began."""
    with transaction() as session:
        query = (
            select(ReconciliationRun)
            .where(*_of(kind, source), ReconciliationRun.actor == actor)
            .order_by(ReconciliationRun.id.desc())
            .limit(1)
        )
        return session.scalars(query).one_or_none()


def latest_runs(session: Session, sources: Iterable[Source]) -> list[ReconciliationRun]:
    """The latest run of each kind of each account, whoever began it."""
    found = []
    for source in sorted(sources):
        for kind in RUN_KINDS:
            query = select(ReconciliationRun).where(*_of(kind, source))
            latest = session.scalar(query.order_by(ReconciliationRun.id.desc()).limit(1))
            found += [latest] if latest is not None else []
    return found


def _write(run_id: int, **values: Any) -> None:
    with transaction() as session:
        session.execute(
            update(ReconciliationRun).where(ReconciliationRun.id == run_id).values(values)
        )


def _of(kind: str, source: Source) -> tuple[Any, ...]:
    return (
        ReconciliationRun.provider == source.provider,
        ReconciliationRun.account == source.account,
        ReconciliationRun.kind == kind,
    )
