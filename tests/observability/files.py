"""The files that are checked: alerts, their tests, the runbook, the dashboard."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any

from tests.support.service import ROOT

ALERTS = ROOT / "prometheus" / "alerts.yml"
TESTS = ROOT / "prometheus" / "alerts_test.yml"
EXAMPLE = ROOT / "prometheus" / "prometheus.yml.example"
RUNBOOK = ROOT / "RUNBOOK.md"
DASHBOARD = ROOT / "grafana" / "dashboard.json"
RUNBOOK_LINK = re.compile(r"^ +runbook: RUNBOOK\.md#(\S+)$", re.MULTILINE)
ALERT = re.compile(r"^ +- alert: (\w+)$", re.MULTILINE)
TESTED = re.compile(r"^ +alertname: (\w+)\n +exp_alerts:\n", re.MULTILINE)
HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)
CODE = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True)
class Query:
    """One query of one panel."""

    panel: str
    expression: str


def alerts() -> list[str]:
    return ALERT.findall(ALERTS.read_text())


def alerts_seen_firing_by_promtool() -> set[str]:
    """Those of which a test says when they fire."""
    return set(TESTED.findall(TESTS.read_text()))


def sections_named_by_alerts() -> list[str]:
    return RUNBOOK_LINK.findall(ALERTS.read_text())


def sections_of_runbook() -> set[str]:
    """The anchors that GitHub gives to headings."""
    headings = HEADING.findall(CODE.sub("", RUNBOOK.read_text()))
    return {re.sub(r"[^a-z0-9 _-]", "", it.lower()).replace(" ", "-") for it in headings}


def panels() -> list[dict[str, Any]]:
    found = json.loads(DASHBOARD.read_text())["panels"]
    return [panel for panel in found if panel["type"] != "row"]


def queries() -> list[Query]:
    return [
        Query(panel["title"], target["expr"]) for panel in panels() for target in panel["targets"]
    ]
