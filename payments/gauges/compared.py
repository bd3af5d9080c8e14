"""What the database knows of reconciliation: coverage, the latest complete runs, open findings."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from prometheus_client.core import GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from payments.models import ReconciliationFinding, ReconciliationRun
from payments.models.reconciliation import HOUR_STATES, OPEN, RUN_KINDS
from payments.reconciliation.counts import Source
from payments.reconciliation.hours import HOUR, hour_of
from payments.reconciliation.runs import COMPLETE
from payments.reconciliation.verdicts import MAY_BE_OPEN, UNKNOWN, coverage_of

MOST_RUNS = 200
COVERED = 24 * HOUR


def compared_gauges(
    session: Session, sources: Mapping[Source, bool], now: datetime, most_counted: int
) -> Iterator[Metric]:
    """`sources` are the configured accounts, and whether there is a key to ask about each."""
    yield from _coverage(session, sources, now)
    yield _last_runs(session, sources)
    yield _findings(session, most_counted)


def _coverage(session: Session, sources: Mapping[Source, bool], now: datetime) -> Iterator[Metric]:
    """Of each configured account; a connected one would be a label that others choose."""
    labels = ["provider", "account"]
    hours = GaugeMetricFamily(
        "payments_reconciliation_hours",
        "Hours of the last 24 that are over, by what is known of their events.",
        labels=[*labels, "state"],
    )
    missing = GaugeMetricFamily(
        "payments_reconciliation_missing_events",
        "Events of the last 24 hours that the provider lists and that are not here.",
        labels=labels,
    )
    ratio = GaugeMetricFamily(
        "payments_reconciliation_coverage_ratio",
        "Of those hours, the share that is known to be complete; without a key there is none.",
        labels=labels,
    )
    start = hour_of(now) - COVERED
    for coverage in coverage_of(session, sources, start, now):
        source = Source(coverage.provider, coverage.account)
        if source not in sources:
            continue
        names = [source.provider, source.account]
        due = [it for it in coverage.hours if it["hour"] + HOUR + MAY_BE_OPEN <= now]
        states = Counter(it["state"] for it in due)
        for state in (*HOUR_STATES, UNKNOWN):
            hours.add_metric([*names, state], states[state])
        missing.add_metric(names, _missing(coverage.hours))
        if sources[source] and due:
            ratio.add_metric(names, states[COMPLETE] / len(due))
    yield from (hours, missing, ratio)


def _missing(hours: list[dict[str, Any]]) -> int:
    return sum(it["missing"] or 0 for it in hours if it["state"] == "gaps")


def _last_runs(session: Session, sources: Mapping[Source, bool]) -> Metric:
    """0 where there is a key and no run was complete: that is late, too."""
    last = GaugeMetricFamily(
        "payments_reconciliation_last_complete_timestamp_seconds",
        "When a run of this kind that saw all of its window ended; 0 where none has.",
        labels=["kind", "provider", "account"],
    )
    for source, has_key in sources.items():
        for kind in RUN_KINDS if has_key else ():
            at = _last_complete(session, source, kind)
            last.add_metric([kind, source.provider, source.account], at.timestamp() if at else 0)
    return last


def _last_complete(session: Session, source: Source, kind: str) -> datetime | None:
    run = ReconciliationRun
    latest = (
        select(run.status, run.dry_run, run.finished_at)
        .where(run.provider == source.provider, run.account == source.account, run.kind == kind)
        .order_by(run.id.desc())
        .limit(MOST_RUNS)
        .subquery()
    )
    ended = select(func.max(latest.c.finished_at))
    at: datetime | None = session.scalar(
        ended.where(latest.c.status == COMPLETE, latest.c.dry_run.is_(False))
    )
    return at


def _findings(session: Session, most_counted: int) -> Metric:
    finding = ReconciliationFinding
    open_ = select(finding.source, finding.kind).where(finding.status == OPEN)
    some = open_.limit(most_counted).subquery()
    query = select(some.c.source, some.c.kind, func.count()).group_by(some.c.source, some.c.kind)
    findings = GaugeMetricFamily(
        "payments_open_findings", "Findings that are open.", labels=["source", "kind"]
    )
    for source, kind, number in session.execute(query):
        findings.add_metric([source, kind], number)
    return findings
