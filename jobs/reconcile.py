"""The jobs of reconciliation, run by rq-scheduler."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import structlog

from jobs.successes import noted
from payments.beats import EVENTS, MONEY
from payments.extensions import settings
from payments.models import utc_now
from payments.reconciliation.asked import all_sources
from payments.reconciliation.asked_runs import carry_out_asked_run
from payments.reconciliation.counts import Source
from payments.reconciliation.coverage_due import run_events_due
from payments.reconciliation.event_sources import sources_with_key
from payments.reconciliation.money_due import run_due

# A worker is not taken from the events for longer; what is left is done five minutes later.
MOST_SECONDS = 120.0

log = structlog.get_logger(__name__)


@noted(EVENTS)
def reconcile_events() -> None:
    """The events of the last hours, once a night of the day; see reconciliation/coverage.py."""
    for source, asked in sources_with_key(settings()).items():
        with _by_itself("events not reconciled", source):
            run_events_due(asked, settings(), utc_now(), MOST_SECONDS)


@noted(MONEY)
def reconcile_money() -> None:
    """A part of what is due for each account that has a key; see reconciliation/money.py."""
    for source in all_sources(settings()):
        with _by_itself("money not reconciled", source):
            run_due(source, utc_now(), settings().reconcile_money_at, MOST_SECONDS)


def reconcile_run(run_id: int) -> None:
    """One run that an operator asked for; see reconciliation/asked_runs.py."""
    carry_out_asked_run(run_id, settings(), MOST_SECONDS)


@contextmanager
def _by_itself(what: str, source: Source) -> Iterator[None]:
    """An account that fails does not keep the others from theirs."""
    try:
        yield
    except Exception as error:
        log.exception(what, source=str(source), error=type(error).__name__)
