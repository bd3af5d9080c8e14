"""What the service says of one account's payments, by the providers' names alone.

Numbers of rows and times of our own clock are left out: they may differ between two orders of
arrival, and nothing else may.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from payments.projection.facts import Projection
from tests.support.application import Application
from tests.support.deliveries import DEMO_SECRET, STRIPE_SECRET

TABLES = ("payments", "payment_groups", "payment_changes", "payment_objects")
OURS = ("id", "account", "updated_at", "objects", "changes", "timeline", "findings")


def accounts(names: Iterable[str]) -> dict[str, str]:
    """The variables that open an endpoint of each provider for each account."""
    variables = {}
    for name in names:
        variables[f"STRIPE_SIGNING_SECRET__{name.upper()}"] = STRIPE_SECRET
        variables[f"DEMO_HMAC_SECRET__{name.upper()}"] = DEMO_SECRET
    return variables


def deliver_all(
    application: Application, provider: str, events: Sequence[Any], account: str
) -> None:
    path = "" if account == "default" else f"/{account}"
    for event in events:
        response = application.deliver(event, provider=provider, path=path)
        assert response.status_code == 200, response.text


def recorded_events(vectors: Path, provider: str) -> list[Any]:
    """Each id once, in the order of the files: the same one with another body is a conflict."""
    found: dict[str, Any] = {}
    for file in sorted((vectors / f"{provider}_events").rglob("*.json")):
        event = json.loads(file.read_bytes())
        if isinstance(event, dict) and isinstance(event.get("id"), str):
            found.setdefault(event["id"], event)
    return list(found.values())


def payments_of(application: Application, account: str = "default") -> list[dict[str, Any]]:
    """Each payment of the account as `GET /admin/payments/<id>` shows it; at most 500."""
    listed = application.admin("/payments", account=account, limit=500)
    assert listed.status_code == 200, listed.text
    whole = [application.admin(f"/payments/{row['id']}") for row in listed.get_json()]
    return sorted((one.get_json() for one in whole), key=lambda payment: payment["payment_id"])


def ledger_of(application: Application, account: str = "default") -> list[dict[str, Any]]:
    """All that must not depend on the order of arrival."""
    return [_told(payment) for payment in payments_of(application, account)]


def rows_of(application: Application) -> dict[str, list[Any]]:
    """Every row that is made of events' facts, as it is."""
    return {
        table: application.sql(f"SELECT * FROM {table} ORDER BY id")  # noqa: S608 - our own tables
        for table in (*TABLES, "reconciliation_findings")
    }


def _told(payment: dict[str, Any]) -> dict[str, Any]:
    findings = [
        tuple(finding[name] for name in ("kind", "subject", "detail", "expected", "found"))
        for finding in payment["findings"]
        if finding["status"] == "open"
    ]
    changes = [
        (
            *(change[name] for name in ("kind", "object_id", "value", "caused_at")),
            change["event"]["event_id"],
        )
        for change in payment["changes"]
    ]
    return {
        **{name: value for name, value in payment.items() if name not in OURS},
        "objects": payment["objects"],
        "changes": changes,
        "timeline": [entry["event_id"] for entry in payment["timeline"]],
        "findings": sorted(findings, key=str),
    }


def amounts_of(payment: dict[str, Any]) -> dict[str, Any]:
    """What a `Projection` says, too."""
    return {name: payment[name] for name in vars(NOTHING) if name != "contradictions"}


def expected_of(projection: Projection) -> dict[str, Any]:
    return {name: value for name, value in vars(projection).items() if name != "contradictions"}


NOTHING = Projection(payment_id="", status="", currency=None)
