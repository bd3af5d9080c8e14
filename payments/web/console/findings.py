"""One finding, and signing off: an operator accepts what it says."""

from __future__ import annotations

from flask import render_template, request

from payments.audit_log import AuditFilter, list_audit
from payments.database import snapshot
from payments.errors import InvalidQuery
from payments.reconciliation.findings import sign_off
from payments.reconciliation.views import get_finding
from payments.web.auth import acting, require_operator
from payments.web.console.blueprint import blueprint
from payments.web.keys import is_key, key_of

MOST_AT_ONCE = 500


@blueprint.get("/reconciliation/findings/<id>")
def finding(id: str) -> str:
    key = key_of(id, "finding")
    with snapshot() as session:
        return render_template(
            "console/finding.html",
            finding=get_finding(session, key),
            audit=list_audit(session, AuditFilter(finding_id=key)).rows,
        )


@blueprint.post("/reconciliation/findings/sign-off")
def sign_off_findings() -> str:
    require_operator()
    ids = _ids(request.form.getlist("id"))
    results = list(sign_off(ids, acting(), request.form.get("reason")))
    return render_template(
        "console/signed_off.html",
        done=[result for result in results if result.done],
        skipped=[result for result in results if not result.done],
    )


def _ids(texts: list[str]) -> list[int]:
    if not texts:
        raise InvalidQuery("Tick at least one finding.")
    if len(texts) > MOST_AT_ONCE:
        raise InvalidQuery(f"Sign off at most {MOST_AT_ONCE} findings at once.")
    if not all(is_key(text) and int(text) for text in texts):
        raise InvalidQuery("id: use the numbers of findings.")
    return [int(text) for text in texts]
