"""Reconciliation of money: every payment of a window, here and at its provider.

    reconcile_money(source, payments, kept, window, …)

What could not be fetched or read is not compared, and the run says so: it is `complete` only when
all of its window was seen. A finding is resolved by a later run that agrees, so each run looks at
the payments with open findings again.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import structlog

from payments.reconciliation.counts import Source
from payments.reconciliation.findings import Discrepancy
from payments.reconciliation.kept import KeptPayments
from payments.reconciliation.money_run import KIND as KIND
from payments.reconciliation.money_run import MoneyRun, Payments
from payments.reconciliation.runs import Window, begin_run, carry_on, carry_out, note_progress

# A run that was cut short goes on after the last one that it has finished.
SLICE = timedelta(hours=1)
# Of our own payments, so many are asked for first: whether the key is one of this account.
PROBES = 3
MOST_UNREADABLE_TOLD = 5
PAUSED = "It pauses here, and goes on at the next time."
ANOTHER_ACCOUNT = (
    "The provider knows none of the latest payments that are kept here: the key is of another "
    "account or mode, or the payments were made up."
)

log = structlog.get_logger(__name__)


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """How a run ended: its columns, and what a dry run found without writing it down."""

    run: dict[str, Any]
    found: list[Discrepancy]


def reconcile_money(
    source: Source,
    payments: Payments,
    kept: KeptPayments,
    window: Window,
    *,
    actor: str,
    dry_run: bool = False,
    resume: int | None = None,
    most_seconds: float | None = None,
    on_slice: Callable[[], None] = lambda: None,
) -> Outcome:
    """Compare slice by slice. The caller holds the account's lock.

    Args:
        resume: the run that goes on; `window` is then what it has not seen.
        most_seconds: after so long it pauses, between two slices.

    Never raises for what the provider does: the run is incomplete then, and says why.
    """
    if resume is None:
        run_id = begin_run(KIND, source, window, actor, dry_run=dry_run)
    else:
        run_id = resume
        carry_on(run_id)
    again = kept.open_subjects()
    run = MoneyRun(source, payments, kept, dry_run, run_id, set(again))
    ended = carry_out(run_id, lambda: _run(run, window, again, most_seconds, on_slice))
    log.info("money reconciled", run=run_id, status=ended["status"], findings=ended["findings"])
    return Outcome(run=ended, found=run.found)


def _run(
    run: MoneyRun,
    window: Window,
    again: list[str],
    most_seconds: float | None,
    on_slice: Callable[[], None],
) -> str | None:
    """Why something was not seen; None where all was."""
    began = time.monotonic()
    if run.knows_none_of([it.payment_id for it in run.kept.latest(PROBES)]):
        return ANOTHER_ACCOUNT
    start = window.start
    while start < window.end:
        if most_seconds is not None and time.monotonic() - began > most_seconds:
            return PAUSED
        end = min(start + SLICE, window.end)
        run.look_at(Window(start=start, end=end))
        note_progress(run.run_id, end, **run.take_numbers())
        on_slice()
        start = end
    run.look_again(again)
    note_progress(run.run_id, window.end, **run.take_numbers())
    return _not_seen(run, window)


def _not_seen(run: MoneyRun, window: Window) -> str | None:
    told = sorted(run.payments.notes)
    if run.kept.other_mode(window.start, window.end):
        told.append("The key does not see all payments: some are live and some are tests.")
    if run.unreadable:
        shown = " ".join(f"{it}." for it in run.unreadable[:MOST_UNREADABLE_TOLD])
        told.append(f"{len(run.unreadable)} could not be read, and were not compared: {shown}")
    return " ".join(told) or None
