"""Every operation of the document: who may ask for it, and what it leaves in the audit log."""

from __future__ import annotations

from typing import Any

import pytest

from tests.integration.api.test_document import operations
from tests.integration.bad_input.cases import one_database
from tests.integration.operations.dead_letters import Warehouse, kill, post
from tests.support.application import Application, MakeApplication
from tests.support.deliveries import ADMIN_TOKEN
from tests.support.refusals import problem_of

VIEWER = "viewer-0123456789abcdef"
PUBLIC = ("/health", "/ready", "/webhooks/{provider}", "/webhooks/{provider}/{account}")
WHY = "ticket 4711"
# By operation: what is sent, and how its line in the audit log is called.
CHANGES: dict[str, tuple[dict[str, Any], str]] = {
    "/admin/events/{id}/payload/reveal": ({}, "payload.reveal"),
    "/admin/events/{id}/replay": ({}, "events.replay"),
    "/admin/events/replay": ({"ids": [1]}, "events.replay"),
    "/admin/dlq/retry": ({"ids": [1]}, "dlq.retry"),
    "/admin/dlq/discard": ({"ids": [1]}, "dlq.discard"),
    "/admin/bulk": ({"action": "retry", "ids": [1]}, "bulk.create"),
    "/admin/bulk/{id}/start": ({}, "bulk.confirm"),
    "/admin/bulk/{id}/cancel": ({}, "bulk.cancel"),
    "/admin/bulk/{id}/retry-failed": ({}, "bulk.create"),
    "/admin/reconciliation/findings/{id}/sign-off": ({}, "findings.sign_off"),
}


def address(path: str) -> str:
    names = {"{id}": "1", "{provider}": "stripe", "{account}": "default"}
    for name, value in names.items():
        path = path.replace(name, value)
    return path


@one_database
def test_without_a_token_only_what_is_public_answers(
    make_application: MakeApplication, document: dict[str, Any]
) -> None:
    application = make_application(APP_ENV="test")
    for method, path, _ in operations(document):
        answer = application.client.open(address(path), method=method.upper(), json={})
        if path.startswith("/admin/"):
            problem_of(answer, 401)
        else:
            assert path in (*PUBLIC, "/reconciliation/summary")
            assert answer.status_code != 401, path


@one_database
def test_a_viewer_gets_what_is_shown_and_a_403_for_whatever_changes(
    make_application: MakeApplication, document: dict[str, Any]
) -> None:
    application = make_application(ADMIN_TOKEN=f"adam:viewer:{VIEWER}")
    for method, path, _ in operations(document):
        if not path.startswith("/admin/"):
            continue
        headers = {"Authorization": f"Bearer {VIEWER}"}
        body = {"data": b"not even JSON"} if method == "post" else {}
        answer = application.client.open(
            address(path), method=method.upper(), headers=headers, **body
        )
        if method == "post":
            problem_of(answer, 403)
        else:
            assert answer.status_code in (200, 404), path
    assert application.sql("SELECT 1 FROM audit_log") == []


def test_the_document_knows_no_other_changes(document: dict[str, Any]) -> None:
    posts = {path for method, path, _ in operations(document) if method == "post"}
    assert posts == {*CHANGES, *PUBLIC[2:]}


@one_database
@pytest.mark.parametrize("path", CHANGES)
def test_each_change_leaves_who_what_when_and_why(
    application: Application, warehouse: Warehouse, path: str
) -> None:
    kill(application)
    body, action = CHANGES[path]
    if "/bulk/{id}" in path:
        made = post(application, "/bulk", {"action": "retry", "ids": [1]})
        assert made.status_code == 201, made.text
        if path.endswith("retry-failed"):
            application.sql("UPDATE bulk_items SET state = 'failed'")
    if "findings" in path:
        leave_finding(application)
    headers = {"Authorization": f"Bearer {ADMIN_TOKEN}", "X-Request-Id": "its-request"}
    body = {**body, "reason": WHY}
    answer = application.client.post(address(path), json=body, headers=headers)
    assert answer.status_code in (200, 201), answer.text
    lines = application.admin("/audit", action=action, limit=1).get_json()
    assert (lines[0]["actor"], lines[0]["reason"]) == ("admin", WHY)
    assert lines[0]["request_id"] == "its-request"
    assert lines[0]["at"].endswith("Z")
    named = ("event_id", "finding_id", "operation_id")
    assert any(lines[0][name] is not None for name in named), lines[0]


def leave_finding(application: Application) -> None:
    application.sql(
        "INSERT INTO reconciliation_findings (provider, account, source, kind, subject, detail,"
        " status, first_seen_at, last_seen_at) VALUES ('stripe', 'default', 'money', 'missing',"
        " 'pi_1', '', 'open', '2026-01-01 00:00:00.000000', '2026-01-01 00:00:00.000000')"
    )
