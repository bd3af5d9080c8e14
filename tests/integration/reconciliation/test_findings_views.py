"""Findings and runs, as an operator sees them: by API and by command line."""

from __future__ import annotations

import csv
import io
import json
from typing import Any

import pytest
from werkzeug.test import TestResponse

from payments.database import transaction
from payments.models import utc_now
from payments.reconciliation.findings import Discrepancy, Scope, settle
from tests.support.application import Application, MakeApplication
from tests.support.deliveries import ADMIN_TOKEN

VIEWER = "viewer-2f6b81c04d9e7a53"


@pytest.fixture
def three(application: Application) -> Application:
    """Findings 1 to 3."""
    find(application, "stripe", "money", Discrepancy(kind="status", subject="pi_1", found="=1+1"))
    find(application, "stripe", "events", Discrepancy(kind="missing_event", subject="evt_1"))
    find(application, "paypal", "money", Discrepancy(kind="status", subject="ORDER", found="x"))
    return application


def find(application: Application, provider: str, source: str, found: Discrepancy) -> None:
    scope = Scope(provider=provider, account="default", source=source)
    with application.app.app_context(), transaction() as session:
        settle(session, scope, [found.subject], [found], utc_now())


def post(
    application: Application, path: str, body: Any = None, token: str = ADMIN_TOKEN
) -> TestResponse:
    headers = {"Authorization": f"Bearer {token}"}
    return application.client.post(f"/admin/reconciliation{path}", json=body, headers=headers)


@pytest.mark.parametrize(
    ("query", "ids"),
    [
        ({}, [3, 2, 1]),
        ({"provider": "stripe"}, [2, 1]),
        ({"account": "other"}, []),
        ({"source": "money"}, [3, 1]),
        ({"kind": "missing_event"}, [2]),
        ({"status": "open", "subject": "pi_1"}, [1]),
        ({"status": "signed_off"}, []),
    ],
)
def test_filters_choose_the_same_in_both(
    three: Application, query: dict[str, str], ids: list[int]
) -> None:
    listed = three.admin("/reconciliation/findings", **query).get_json()
    assert [it["id"] for it in listed] == ids
    options = [part for name, value in query.items() for part in (f"--{name}", value)]
    assert json.loads(three.cli("reconcile", "findings", "--json", *options).stdout) == listed


def test_pages_lead_through_everything_once(three: Application) -> None:
    first = three.admin("/reconciliation/findings", limit=2, provider="stripe")
    assert "Link" not in first.headers
    first = three.admin("/reconciliation/findings", limit=2)
    assert 'cursor=2>; rel="next"' in first.headers["Link"]
    rest = three.admin("/reconciliation/findings", limit=2, cursor=2)
    assert [it["id"] for it in rest.get_json()] == [1]
    page = three.cli("reconcile", "findings", "--limit", "2").stdout
    assert "More: --before 2" in page


def test_csv_is_for_spreadsheets_and_holds_no_formula(three: Application) -> None:
    response = three.admin("/reconciliation/findings", format="csv")
    assert response.mimetype == "text/csv"
    printed = three.cli("reconcile", "findings", "--csv", "--all").stdout
    for text in (response.text, printed):
        rows = list(csv.DictReader(io.StringIO(text)))
        assert [row["id"] for row in rows] == ["3", "2", "1"]
        assert rows[2]["found"] == "'=1+1"
        assert rows[1]["found"] == ""


@pytest.mark.parametrize(
    ("path", "query"),
    [
        ("findings", {"status": "odd"}),
        ("findings", {"source": "odd"}),
        ("findings", {"kind": "a b"}),
        ("findings", {"limit": "0"}),
        ("findings", {"limit": "501"}),
        ("findings", {"cursor": "-1"}),
        ("findings", {"format": "xml"}),
        ("findings", {"stat": "open"}),
        ("runs", {"kind": "odd"}),
        ("runs", {"status": "open"}),
        ("runs", {"subject": "pi_1"}),
    ],
)
def test_a_filter_that_is_not_understood_is_a_422(
    application: Application, path: str, query: dict[str, str]
) -> None:
    assert application.admin(f"/reconciliation/{path}", **query).status_code == 422


def test_signing_off_says_who_and_why(three: Application) -> None:
    answer = post(three, "/findings/1/sign-off", {"reason": "refunded by hand"}).get_json()
    assert (answer["done"], answer["finding"]["status"]) == (True, "signed_off")
    assert answer["finding"]["signed_off_by"] == "admin"
    assert answer["finding"]["signed_off_reason"] == "refunded by hand"
    again = post(three, "/findings/1/sign-off", {"reason": "again"}).get_json()
    assert (again["done"], again["outcome"]) == (False, "skipped: it is signed off, not open")
    result = three.cli("reconcile", "sign-off", "2", "--reason", "known", "--json")
    assert [it["done"] for it in json.loads(result.stdout)] == [True]
    lines = three.sql("SELECT finding_id, actor, action, reason FROM audit_log ORDER BY id")
    assert [tuple(line)[0::3] for line in lines] == [
        (1, "refunded by hand"),
        (1, "again"),
        (2, "known"),
    ]
    assert lines[2].actor.startswith("cli")


@pytest.mark.parametrize("body", [None, {}, {"reason": " "}, {"reason": 7}, {"why": "x"}, []])
def test_signing_off_without_a_reason_is_a_422(three: Application, body: Any) -> None:
    assert post(three, "/findings/1/sign-off", body).status_code == 422
    assert three.admin("/reconciliation/findings", status="open").get_json()[2]["id"] == 1


@pytest.mark.parametrize("id", ["4", "0", "-1", "abc", "9" * 19, "9" * 30, "1.0"])
def test_a_finding_that_there_is_not_is_a_404(three: Application, id: str) -> None:
    assert post(three, f"/findings/{id}/sign-off", {"reason": "x"}).status_code == 404


def test_a_viewer_may_look_and_not_sign_off(make_application: MakeApplication) -> None:
    application = make_application(ADMIN_TOKEN=f"vera:viewer:{VIEWER},{ADMIN_TOKEN}")
    find(application, "stripe", "money", Discrepancy(kind="status", subject="pi_1"))
    assert post(application, "/findings/1/sign-off", {"reason": "x"}, VIEWER).status_code == 403
    assert post(application, "/findings/1/sign-off", {"reason": "x"}, "no").status_code == 401
    for path in ("findings", "runs"):
        headers = {"Authorization": f"Bearer {VIEWER}"}
        url = f"/admin/reconciliation/{path}"
        assert application.client.get(url, headers=headers).status_code == 200
        assert application.client.get(url).status_code == 401


def test_the_command_line_says_what_is_wrong(three: Application) -> None:
    for arguments, code, said in (
        (["findings", "--kind", "a b"], 2, "printable ASCII"),
        (["findings", "--json", "--csv"], 2, "not both"),
        (["sign-off", "1"], 2, "say why"),
        (["sign-off", "9", "--reason", "x"], 1, "no such finding"),
        (["sign-off", "--reason", "x"], 2, "IDS"),
        (["runs", "--kind", "odd"], 2, "odd"),
    ):
        result = three.cli("reconcile", *arguments)
        assert result.exit_code == code, result.output
        assert said in result.output


def test_an_empty_list_says_so(application: Application) -> None:
    assert "No findings match." in application.cli("reconcile", "findings").stdout
    assert "No runs match." in application.cli("reconcile", "runs").stdout
    assert application.cli("reconcile", "findings", "--csv").stdout.startswith("id,provider")
