"""Audit: who did what, when and why. Lines are added, and never changed."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from flask import Response, render_template, stream_with_context

from payments.audit_log import COLUMNS, AuditFilter, all_audit, list_audit
from payments.database import snapshot
from payments.errors import InvalidQuery
from payments.models import columns_of
from payments.plain_csv import csv_lines
from payments.web.console.address import cursor, filter_values, here, read_address
from payments.web.console.blueprint import blueprint

NUMBERS = ("event_id", "finding_id", "operation_id")
FILTERS = ("actor", "action", *NUMBERS, "since", "until")


@blueprint.get("/audit")
def audit() -> str:
    given = read_address(FILTERS)
    with snapshot() as session:
        page = list_audit(session, _filter(given), before=cursor())
    export = here().replace("/audit", "/audit.csv", 1)
    return render_template("console/audit.html", page=page, given=given, export=export)


@blueprint.get("/audit.csv")
def audit_csv() -> Response:
    """All lines that match, not a page of them."""
    which = _filter(read_address(FILTERS))
    headers = {"Content-Disposition": "attachment; filename=audit.csv"}
    return Response(stream_with_context(_lines(which)), mimetype="text/csv", headers=headers)


def _lines(which: AuditFilter) -> Iterator[str]:
    with snapshot() as session:
        yield from csv_lines(map(columns_of, all_audit(session, which)), COLUMNS)


def _filter(given: dict[str, str]) -> AuditFilter:
    values: dict[str, Any] = filter_values(given)
    for name in NUMBERS:
        if name in values:
            values[name] = _number(name, values[name])
    return AuditFilter(**values)


def _number(name: str, text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) <= 19):
        raise InvalidQuery(f"{name}: use a whole number.")
    return int(text)
