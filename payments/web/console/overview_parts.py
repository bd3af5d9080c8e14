"""The parts of the overview: what each of them looks at. All of it comes from indexes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from payments.backlog import measure
from payments.bulk import list_running
from payments.database import snapshot
from payments.dead_letter_groups import list_groups, oldest_held_at, value_of_all_held
from payments.errors import TookTooLong
from payments.extensions import settings
from payments.health import readiness
from payments.models import DEAD, DISCARDED, IGNORED, PROCESSED, UNFINISHED, utc_now
from payments.queueing import JobQueue, job_queue
from payments.reconciliation.anomalies import find_anomalies
from payments.reconciliation.asked import sources_of
from payments.reconciliation.hours import HOUR, hour_of
from payments.reconciliation.runs import latest_runs
from payments.reconciliation.verdicts import coverage_of
from payments.recovery import oldest_stranded_at
from payments.scheduled_jobs import scheduled_jobs
from payments.secret_uses import known_secrets
from payments.time_limits import at_most
from payments.traffic import MINUTES, Minutes, minutes_of, providers_of
from payments.value_held import Value
from payments.web.console.charts import Chart, stacked
from payments.web.console.strip import STRIP_HOURS, strips_of

# Recovery enqueues what is due every 30 seconds, so anything older means that it does not run.
STRANDED_SECONDS = 120
WORST_GROUPS = 5
VALUE_SECONDS = 1.0
CHART_HEIGHT, SMALL_HEIGHT = 120, 36
Shown = dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class Part:
    """A part of the page: what it shows, and how often it is asked for again."""

    name: str
    look: Callable[[], Shown]
    every_seconds: int = 10

    @property
    def template(self) -> str:
        return f"console/overview/{self.name}.html"


def _state() -> Shown:
    now = utc_now()
    queue = JobQueue.patient(settings())
    with closing(queue.connection), snapshot() as session:
        groups = list_groups(session, now, most=0)
        oldest = oldest_held_at(session, groups.held)
        stranded_at = oldest_stranded_at(session, queue)
        coverage = coverage_of(session, sources_of(settings()), _coverage_start(), now)
    return {
        "causes": groups.more,
        "held": groups.held,
        "value": _value_held(),
        "oldest": oldest,
        "stranded": stranded_at and (now - stranded_at).total_seconds(),
        "stranded_seconds": STRANDED_SECONDS,
        "missing": sum(hour["missing"] or 0 for it in coverage for hour in it.hours),
        "with_gaps": [it for it in coverage if it.verdict == "gaps"],
        "unknown": [it for it in coverage if it.verdict == "unknown"],
    }


def _value_held() -> Value | None:
    """None where there is too much to be added up in a second."""
    with snapshot() as session:
        try:
            with at_most(session, VALUE_SECONDS):
                return value_of_all_held(session)
        except TookTooLong:
            return None


def _coverage() -> Shown:
    now = utc_now()
    with snapshot() as session:
        coverage = coverage_of(session, sources_of(settings()), _coverage_start(), now)
    return {"strips": strips_of(coverage, now)}


def _coverage_start() -> datetime:
    return hour_of(utc_now()) - (STRIP_HOURS - 1) * HOUR


def _groups() -> Shown:
    with snapshot() as session:
        found = list_groups(session, utc_now(), most=WORST_GROUPS)
    return {"groups": [group.describe() for group in found.groups], "more": found.more}


def _backlog() -> Shown:
    now = utc_now()
    queue = JobQueue.patient(settings())
    with closing(queue.connection), snapshot() as session:
        backlog = measure(session, queue, now)
        minutes = minutes_of(session, now)
    return {"backlog": backlog, "success": minutes and minutes.success}


def _traffic() -> Shown:
    now = utc_now()
    with snapshot() as session:
        minutes = minutes_of(session, now)
        providers = providers_of(session, sorted(settings().providers), now)
    start = minutes.start if minutes else now
    return {
        "chart": minutes and _chart_of(minutes),
        "providers": [
            (it, stacked({"events": it.arrivals}, start, height=SMALL_HEIGHT)) for it in providers
        ],
    }


def _chart_of(minutes: Minutes) -> Chart:
    nothing = [0] * MINUTES
    found = minutes.by_status
    unfinished = [found.get(status, nothing) for status in UNFINISHED]
    kinds = {
        "dead": found.get(DEAD, nothing),
        "unfinished": [sum(numbers) for numbers in zip(*unfinished, strict=True)],
        "processed": found.get(PROCESSED, nothing),
        "ignored": found.get(IGNORED, nothing),
        "discarded": found.get(DISCARDED, nothing),
    }
    return stacked(kinds, minutes.start, height=CHART_HEIGHT)


def _jobs() -> Shown:
    with snapshot() as session:
        running = list_running(session)
        runs = latest_runs(session, sources_of(settings()))
    return {"running": running, "runs": runs, "jobs": scheduled_jobs(job_queue()), "now": utc_now()}


def _warnings() -> Shown:
    now = utc_now()
    start = _coverage_start()
    with snapshot() as session:
        anomalies = find_anomalies(session, start, now, settings().job_timeout_seconds)
        secrets = known_secrets(session, settings().providers)
    configured = Counter((it.provider, it.account) for it in secrets if it.configured)
    several = [it for it in secrets if configured[it.provider, it.account] > 1 and it.configured]
    return {"anomalies": anomalies, "rotating": several}


def _dependencies() -> Shown:
    return {"checks": readiness()}


PARTS = (
    Part(name="state", look=_state),
    Part(name="coverage", look=_coverage, every_seconds=60),
    Part(name="groups", look=_groups),
    Part(name="backlog", look=_backlog),
    Part(name="traffic", look=_traffic),
    Part(name="jobs", look=_jobs),
    Part(name="warnings", look=_warnings, every_seconds=60),
    Part(name="dependencies", look=_dependencies),
)
