"""The API's document: made from the code, whole, public, and served as it is kept."""

from __future__ import annotations

from typing import Any

import pytest

from payments.config import ROOT
from payments.extensions import Base
from payments.local.documents import made
from payments.models import (
    Attempt,
    AuditLog,
    BulkItem,
    Event,
    Payment,
    PaymentChange,
    ReconciliationFinding,
    ReconciliationRun,
)
from tests.integration.bad_input.cases import one_database
from tests.support.application import Application

DOES_NOT_SAY = {"Event": set(), "Fact": {"event"}}
ROWS: dict[str, type[Base]] = {
    "Attempt": Attempt,
    "AuditLine": AuditLog,
    "Event": Event,
    "Fact": PaymentChange,
    "Finding": ReconciliationFinding,
    "Item": BulkItem,
    "Payment": Payment,
    "Run": ReconciliationRun,
}


def operations(document: dict[str, Any]) -> list[tuple[str, str, dict[str, Any]]]:
    return [
        (method, path, operation)
        for path, described in document["paths"].items()
        for method, operation in described.items()
        if method in ("get", "post")
    ]


def test_the_files_are_what_the_code_says() -> None:
    stale = [name for name, content in made().items() if (ROOT / name).read_bytes() != content]
    assert not stale, f"{stale}: run make docs, and commit what it writes"


@pytest.mark.parametrize("schema", ROWS)
def test_an_answer_has_the_columns_of_its_row(document: dict[str, Any], schema: str) -> None:
    described = document["components"]["schemas"][schema]
    columns = {column.key for column in ROWS[schema].__table__.columns}
    assert set(described["properties"]) - DOES_NOT_SAY.get(schema, set()) == columns
    assert described["additionalProperties"] is False


def test_every_operation_says_what_it_does_takes_and_refuses(document: dict[str, Any]) -> None:
    for method, path, operation in operations(document):
        assert operation["summary"], path
        assert {"500", "503"} <= set(operation["responses"]), path
        assert any(status.startswith("2") for status in operation["responses"]), path
        if path.startswith("/admin/"):
            assert operation["security"] == [{"bearer": []}], path
            assert {"401", "429"} <= set(operation["responses"]), path
        if path.startswith("/admin/") and method == "post":
            assert {"403", "422"} <= set(operation["responses"]), path
        if operation.get("parameters"):
            assert all(it["description"] for it in operation["parameters"]), path


def test_every_field_has_a_description(document: dict[str, Any]) -> None:
    for name, schema in document["components"]["schemas"].items():
        for field, described in schema["properties"].items():
            assert described.get("description") or "$ref" in described, f"{name}.{field}"


def test_every_route_for_programs_is_documented(
    application: Application, document: dict[str, Any]
) -> None:
    pages = ("/console", "/admin/rq", "/static", "/docs", "/openapi.json", "/metrics")
    rules = {
        str(rule).replace("<", "{").replace(">", "}")
        for rule in application.app.url_map.iter_rules()
        if not str(rule).startswith(pages)
    }
    assert rules == set(document["paths"])


@one_database
def test_the_document_and_its_page_are_public_and_need_nobody_else(
    application: Application, document: dict[str, Any]
) -> None:
    served = application.client.get("/openapi.json", buffered=True)
    assert served.get_json() == document
    assert served.mimetype == "application/json"
    page = application.client.get("/docs")
    assert page.status_code == 200
    assert "://" not in page.text
    policy = page.headers["Content-Security-Policy"]
    assert "unsafe" not in policy
    assert "http" not in policy
    for part in ("swagger-ui.css", "swagger-ui-bundle.js", "start.js"):
        address = f"/static/swagger-ui/{part}"
        assert address in page.text
        assert application.client.get(address, buffered=True).status_code == 200
