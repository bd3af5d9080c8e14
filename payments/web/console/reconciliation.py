"""Reconciliation: what each hour looked like, what does not agree, and which runs there were."""

from __future__ import annotations

from datetime import UTC, datetime

from flask import abort, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from payments.database import snapshot
from payments.extensions import settings
from payments.models import utc_now
from payments.models.reconciliation import (
    FINDING_SOURCES,
    FINDING_STATUSES,
    OPEN,
    RUN_KINDS,
    RUN_STATUSES,
)
from payments.providers.base import parse_time
from payments.queueing import job_queue
from payments.reconciliation.anomalies import find_anomalies
from payments.reconciliation.asked import sources_of
from payments.reconciliation.asked_runs import ask_for_run
from payments.reconciliation.counts import Source
from payments.reconciliation.event_sources import sources_with_key
from payments.reconciliation.hour_view import look_at_hour
from payments.reconciliation.hours import HOUR, hour_of
from payments.reconciliation.verdicts import coverage_of
from payments.reconciliation.views import (
    FindingFilter,
    RunFilter,
    get_run,
    list_findings,
    list_runs,
)
from payments.web.auth import acting, require_operator
from payments.web.console.address import cursor, filter_values, read_address
from payments.web.console.blueprint import blueprint
from payments.web.console.strip import STRIP_HOURS, strips_of
from payments.web.keys import key_of

RUNS_SHOWN = 10
FINDING_FILTERS = ("provider", "account", "source", "kind", "status", "subject")
RUN_FILTERS = ("provider", "account", "kind", "status")
HOUR_FORM = "%Y-%m-%dT%H:%MZ"


@blueprint.get("/reconciliation")
def reconciliation() -> str:
    # What is open is what somebody has to look at; every status is one choice away.
    given = {"status": OPEN, **read_address(FINDING_FILTERS)}
    which = FindingFilter(**{name: value for name, value in given.items() if value != "any"})
    now = utc_now()
    start = hour_of(now) - (STRIP_HOURS - 1) * HOUR
    with snapshot() as session:
        return render_template(
            "console/reconciliation.html",
            strips=strips_of(coverage_of(session, sources_of(settings()), start, now), now),
            anomalies=find_anomalies(session, start, now, settings().job_timeout_seconds),
            page=list_findings(session, which, before=cursor()),
            runs=list_runs(session, RunFilter(), RUNS_SHOWN).rows,
            given=given,
            statuses=[*FINDING_STATUSES, "any"],
            sources=FINDING_SOURCES,
        )


@blueprint.get("/reconciliation/hours/<provider>/<account>/<hour>")
def hour(provider: str, account: str, hour: str) -> str:
    source, moment = Source(provider, account), _hour(hour)
    known = set(sources_of(settings()))
    with snapshot() as session:
        view = look_at_hour(session, source, moment)
    if source not in known and view.known is None:
        abort(404, "There is no such account.")
    return render_template(
        "console/hour.html",
        view=view,
        end=moment + HOUR,
        before=(moment - HOUR).strftime(HOUR_FORM),
        after=(moment + HOUR).strftime(HOUR_FORM) if moment + HOUR < utc_now() else None,
        can_ask=source in sources_with_key(settings()),
    )


@blueprint.post("/reconciliation/hours/<provider>/<account>/<hour>")
def compare_hour(provider: str, account: str, hour: str) -> Response:
    """Have a worker compare this hour again, and fetch what is missing unless it is a dry run."""
    require_operator()
    run_id = ask_for_run(
        Source(provider, account),
        _hour(hour),
        1,
        acting(),
        request.form.get("reason"),
        dry_run="dry_run" in request.form,
        settings=settings(),
        queue=job_queue(),
    )
    return redirect(url_for("console.run", id=run_id), 303)


@blueprint.get("/reconciliation/runs")
def runs() -> str:
    given = read_address(RUN_FILTERS)
    with snapshot() as session:
        page = list_runs(session, RunFilter(**filter_values(given)), before=cursor())
    return render_template(
        "console/runs.html", page=page, given=given, kinds=RUN_KINDS, statuses=RUN_STATUSES
    )


@blueprint.get("/reconciliation/runs/<id>")
def run(id: str) -> str:
    key = key_of(id, "run")
    with snapshot() as session:
        return render_template("console/run.html", run=get_run(session, key))


def _hour(text: str) -> datetime:
    """The beginning of a full hour; NotFound where it is none."""
    moment = parse_time(text)
    if moment is None or moment.tzinfo is None or moment != hour_of(moment):
        abort(404, "The address does not name a full hour, as in 2026-01-31T10:00Z.")
    return moment.astimezone(UTC)
