"""The jobs of reconciliation, run by rq-scheduler."""

from __future__ import annotations

import structlog

from payments.extensions import settings
from payments.models import utc_now
from payments.reconciliation.asked import sources_of
from payments.reconciliation.coverage_due import run_events_due
from payments.reconciliation.event_sources import sources_with_key
from payments.reconciliation.money_due import run_due

# A worker is not taken from the events for longer; what is left is done five minutes later.
MOST_SECONDS = 120.0

log = structlog.get_logger(__name__)


def reconcile_events() -> None:
    """The events of the last hours, once a night of the day; see reconciliation/coverage.py.

    An account that fails does not keep the others from theirs.
    """
    for source, asked in sources_with_key(settings()).items():
        try:
            run_events_due(asked, settings(), utc_now(), MOST_SECONDS)
        except Exception as error:
            log.exception("events not reconciled", source=str(source), error=type(error).__name__)


def reconcile_money() -> None:
    """A part of what is due for each account that has a key; see payments/reconciliation/money.py.

    An account that fails does not keep the others from theirs.
    """
    for source, has_key in sources_of(settings()).items():
        if has_key:
            try:
                run_due(source, utc_now(), settings().reconcile_money_at, MOST_SECONDS)
            except Exception as error:
                log.exception(
                    "money not reconciled", source=str(source), error=type(error).__name__
                )
