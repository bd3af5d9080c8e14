"""The summary for monitoring and people, and the operator's view of findings and runs."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from flask import Blueprint, Response, g, request

from payments.audit import Actor
from payments.database import snapshot
from payments.errors import InvalidQuery
from payments.extensions import settings
from payments.models import ReconciliationFinding, columns_of, utc_now
from payments.plain_csv import csv_lines
from payments.reconciliation.asked import sources_of
from payments.reconciliation.findings import sign_off
from payments.reconciliation.summary import DEFAULT_HOURS, MOST_HOURS, summarize
from payments.reconciliation.views import (
    FindingFilter,
    RunFilter,
    get_finding,
    list_findings,
    list_runs,
)
from payments.web.auth import require_admin, require_observer, require_operator
from payments.web.parameters import finding_key, read_place, read_query, read_reason
from payments.web.responses import json_response, page_response

PAGE = ("limit", "cursor")
FINDING_FILTERS = ("provider", "account", "source", "kind", "status", "subject")
RUN_FILTERS = ("provider", "account", "kind", "status")
FORMATS = ("json", "csv")
COLUMNS = tuple(ReconciliationFinding.__table__.columns.keys())
WHOLE_NUMBER = re.compile(r"[0-9]{1,9}")

summary = Blueprint("reconciliation", __name__, url_prefix="/reconciliation")
summary.before_request(require_observer)
admin = Blueprint("admin_reconciliation", __name__, url_prefix="/admin/reconciliation")
admin.before_request(require_admin)


@summary.get("/summary")
def show_summary() -> Response:
    hours_back = _hours_back()
    with snapshot(of_one_moment=True) as session:
        return json_response(
            summarize(
                session,
                sources_of(settings()),
                hours_back,
                utc_now(),
                job_timeout_seconds=settings().job_timeout_seconds,
            )
        )


@admin.get("/findings")
def findings() -> Response:
    query = read_query({*FINDING_FILTERS, *PAGE, "format"})
    chosen = query.get("format", "json")
    if chosen not in FORMATS:
        raise InvalidQuery(f"format: use {' or '.join(FORMATS)}.")
    which = FindingFilter(**_only(query, FINDING_FILTERS))
    with snapshot() as session:
        page = list_findings(session, which, *read_place(query))
        response = page_response(query, page, columns_of)
        if chosen == "csv":
            response.set_data("".join(csv_lines(map(columns_of, page.rows), COLUMNS)))
            response.mimetype = "text/csv"
        return response


@admin.post("/findings/<id>/sign-off")
def sign_off_finding(id: str) -> Response:
    require_operator()
    key = finding_key(id)
    with snapshot() as session:
        get_finding(session, key)
    actor = Actor(name=g.admin.name, request_id=g.request_id)
    [result] = sign_off([key], actor, read_reason())
    with snapshot() as session:
        return json_response({**vars(result), "finding": columns_of(get_finding(session, key))})


@admin.get("/runs")
def runs() -> Response:
    query = read_query({*RUN_FILTERS, *PAGE})
    which = RunFilter(**_only(query, RUN_FILTERS))
    with snapshot() as session:
        return page_response(query, list_runs(session, which, *read_place(query)), columns_of)


def _hours_back() -> int:
    """Raises InvalidQuery unless it is given as a whole number from 1 to 168, or not at all."""
    read_query({"hours_back"})
    value = request.args.get("hours_back", str(DEFAULT_HOURS))
    if not WHOLE_NUMBER.fullmatch(value) or not 1 <= int(value) <= MOST_HOURS:
        raise InvalidQuery(f"hours_back: use a whole number from 1 to {MOST_HOURS}.")
    return int(value)


def _only(query: Mapping[str, str], names: tuple[str, ...]) -> dict[str, Any]:
    return {name: query[name] for name in names if name in query}
