"""`/admin/audit`: what operators did, and why."""

from __future__ import annotations

from typing import Any

from flask import Response

from payments.audit_log import COLUMNS, AuditFilter, list_audit
from payments.database import snapshot
from payments.models import columns_of
from payments.web.api.blueprint import ApiBlueprint
from payments.web.api.paging import given, json_or_csv_response, place_of
from payments.web.api.schemas.audit import FILTERS, AuditLine, AuditQuery
from payments.web.auth import require_admin

blueprint = ApiBlueprint("audit", url_prefix="/admin/audit", description="Who did what, and why")
blueprint.before_request(require_admin)


@blueprint.get("")
@blueprint.asks(AuditQuery)
@blueprint.answers(AuditLine, many=True, paged=True, as_csv=True, description="The newest first.")
def list_audit_log(asked: dict[str, Any]) -> Response:
    """List what operators did, the newest first"""
    which = AuditFilter(**given(asked, FILTERS))
    before = place_of(asked)
    with snapshot() as session:
        page = list_audit(session, which, asked["limit"], before)
        return json_or_csv_response(asked, page, columns_of, COLUMNS)
