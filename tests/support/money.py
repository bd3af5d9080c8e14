"""What the tests of money share: a run, and what it found."""

from __future__ import annotations

import json
from typing import Any

from tests.support.application import Application


def reconcile(
    service: Application, provider: str, *arguments: str, code: int = 0
) -> dict[str, Any]:
    """`flask reconcile money` of one account: its answer."""
    result = service.cli("reconcile", "money", "--json", "--provider", provider, *arguments)
    assert result.exit_code == code, result.output
    [run] = json.loads(result.stdout)
    described: dict[str, Any] = run
    return described


def findings(service: Application, **which: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = service.admin(
        "/reconciliation/findings", source="money", **which
    ).get_json()
    return found
