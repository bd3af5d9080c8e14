"""The documented API, live: whatever is asked, it answers as it is written."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi import checks

from tests.e2e.shop_handlers import BROKEN
from tests.support.deliveries import ADMIN_TOKEN, encode, stripe_event, stripe_headers
from tests.support.operator import Operator
from tests.support.service import ROOT, WEB, Service
from tests.support.waiting import eventually

AUTHORIZED = {"Authorization": f"Bearer {ADMIN_TOKEN}"}
EVENTS = 20
documented = schemathesis.openapi.from_path(ROOT / "openapi.json")
CHECKS = [
    not_a_server_error,
    checks.status_code_conformance,
    checks.content_type_conformance,
    checks.response_headers_conformance,
    checks.response_schema_conformance,
]
# What there is exactly one of, or the first of many: see `filled`.
EXISTING = (
    "/admin/events/{id}",
    "/admin/events/{id}/payload",
    "/admin/dlq/groups/{id}",
    "/admin/bulk/{id}",
    "/admin/bulk/{id}/items",
    "/admin/payments/{id}",
)


@pytest.fixture(scope="module")
def service(valkey_server: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    folder = tmp_path_factory.mktemp("openapi")
    database = f"sqlite:///{folder / 'payments.db'}"
    variables = {"PAYMENTS_HANDLERS": "tests.e2e.shop_handlers", "RETRY_MAX_ATTEMPTS": "1"}
    with Service(folder, database, valkey_server, **variables).started(workers=1) as service:
        fill(service)
        yield service


def fill(service: Service) -> None:
    """Dead letters with their group, payments, and a bulk operation, each from key 1 on."""
    broken = Path(service.environment["VAR_DIR"]) / BROKEN
    broken.touch()
    deliver(service, EVENTS)
    operator = Operator(service.url)
    dead = lambda: operator.get("/dlq/count")["count"] == EVENTS  # noqa: E731  # what is waited for
    eventually(dead, "all are dead", 60)
    broken.unlink()
    deliver(service, 1)
    eventually(lambda: operator.events(status="processed"), "one is processed", 60)
    made = service.request("POST", "/admin/bulk", b'{"action": "retry", "group_id": 1}', AUTHORIZED)
    assert made.status == 201, made.body


def deliver(service: Service, count: int) -> None:
    for _ in range(count):
        body = encode(stripe_event())
        assert service.request("POST", "/webhooks/stripe", body, stripe_headers(body)).status == 200


@documented.parametrize()
@settings(
    max_examples=5,
    deadline=None,
    derandomize=True,
    database=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)
def test_no_answer_is_a_500_or_undocumented(case: Any, service: Service) -> None:
    case.call_and_validate(base_url=service.url, headers=AUTHORIZED, checks=CHECKS)


@pytest.mark.parametrize("path", EXISTING)
def test_what_exists_is_shown_as_it_is_documented(service: Service, path: str) -> None:
    shown = documented[path]["GET"].Case(path_parameters={"id": 1})
    answer = shown.call_and_validate(base_url=service.url, headers=AUTHORIZED, checks=CHECKS)
    assert answer.status_code == 200, answer.text


@pytest.mark.parametrize("path", ["/openapi.json", "/docs"])
def test_the_document_is_public(service: Service, path: str) -> None:
    assert service.request("GET", path).status == 200


def test_nothing_was_raised_in_the_service(service: Service) -> None:
    assert "Traceback" not in service.log(WEB)
