"""The summary for monitoring and people, and the operator's view of findings and runs."""

from __future__ import annotations

from typing import Any

from flask import Response

from payments.database import snapshot
from payments.extensions import settings
from payments.models import ReconciliationFinding, columns_of, utc_now
from payments.reconciliation.asked import sources_of
from payments.reconciliation.findings import sign_off
from payments.reconciliation.summary import summarize
from payments.reconciliation.views import (
    FindingFilter,
    RunFilter,
    get_finding,
    list_findings,
    list_runs,
)
from payments.web.api.blueprint import ApiBlueprint, key_in_path
from payments.web.api.paging import given, json_or_csv_response, page_response, place_of
from payments.web.api.schemas.queries import Reason
from payments.web.api.schemas.reconciliation import (
    FINDING_FILTERS,
    RUN_FILTERS,
    Finding,
    FindingsQuery,
    Run,
    RunsQuery,
    SignedOff,
    Summary,
    SummaryQuery,
)
from payments.web.auth import acting, require_admin, require_observer
from payments.web.keys import key_of
from payments.web.responses import json_response

COLUMNS = tuple(ReconciliationFinding.__table__.columns.keys())

summary = ApiBlueprint(
    "summary", url_prefix="/reconciliation", description="Whether anything is missing"
)
summary.before_request(require_observer)
blueprint = ApiBlueprint(
    "reconciliation",
    url_prefix="/admin/reconciliation",
    description="What does not agree with the providers",
)
blueprint.before_request(require_admin)


@summary.get("/summary")
@summary.asks(SummaryQuery)
@summary.answers(Summary, description="The summary.")
def show_summary(asked: dict[str, Any]) -> Response:
    """Show what has come, whether anything is missing, and what does not agree

    Outside of production, and from the machine itself, no token is needed. In production one of
    `ADMIN_TOKEN` or `METRICS_TOKEN` is.
    """
    with snapshot(of_one_moment=True) as session:
        return json_response(
            summarize(
                session,
                sources_of(settings()),
                asked["hours_back"],
                utc_now(),
                job_timeout_seconds=settings().job_timeout_seconds,
            )
        )


@blueprint.get("/findings")
@blueprint.asks(FindingsQuery)
@blueprint.answers(Finding, many=True, paged=True, as_csv=True, description="The newest first.")
def list_all_findings(asked: dict[str, Any]) -> Response:
    """List findings, the newest first"""
    which = FindingFilter(**given(asked, FINDING_FILTERS))
    before = place_of(asked)
    with snapshot() as session:
        page = list_findings(session, which, asked["limit"], before)
        return json_or_csv_response(asked, page, columns_of, COLUMNS)


@blueprint.post("/findings/<id>/sign-off", parameters=key_in_path("the finding"))
@blueprint.for_operators
@blueprint.takes(Reason)
@blueprint.answers(SignedOff, refuses=[404], description="What became of it.")
def sign_off_finding(asked: dict[str, Any], id: str) -> Response:
    """Accept a finding as it is, and say why

    It opens again only when what it says changes.
    """
    key = key_of(id, "finding")
    with snapshot() as session:
        get_finding(session, key)
    [result] = sign_off([key], acting(), asked["reason"])
    with snapshot() as session:
        return json_response({**vars(result), "finding": columns_of(get_finding(session, key))})


@blueprint.get("/runs")
@blueprint.asks(RunsQuery)
@blueprint.answers(Run, many=True, paged=True, description="Runs, the newest first.")
def list_reconciliation_runs(asked: dict[str, Any]) -> Response:
    """List runs of reconciliation, the newest first"""
    which = RunFilter(**given(asked, RUN_FILTERS))
    before = place_of(asked)
    with snapshot() as session:
        return page_response(list_runs(session, which, asked["limit"], before), columns_of)
