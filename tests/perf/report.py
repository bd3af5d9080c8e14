"""The report: to the terminal, and as Markdown and JSON to var/perf."""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from payments.config import ROOT
from tests.perf.figures import Section, Series, Target
from tests.perf.plan import TARGETS, Plan

FOLDER = ROOT / "var" / "perf"
PACKAGES = ("flask", "gunicorn", "sqlalchemy", "psycopg", "redis", "rq")


def markdown(plan: Plan, sections: Sequence[Section], loads: tuple[float, float]) -> str:
    lines = [
        "# Speed and memory",
        "",
        f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC, {os.cpu_count()} cores, everything on one "
        f"machine (load average before and after: {loads[0]:.1f} and {loads[1]:.1f}), Python "
        f"{platform.python_version()}, "
        + ", ".join(f"{package} {version(package)}" for package in PACKAGES)
        + ". Medians of the rounds; in brackets the lowest and the highest. Only ratios can be "
        "compared between machines.",
    ]
    if plan.quick:
        lines += ["", "**A quick run: it shows that everything works, not how fast it is.**"]
    lines += ["", "## Targets", "", *_targets(sections)]
    for section in sections:
        lines += ["", f"## {section.title}", "", *section.notes, "", *_table(section.series)]
    return "\n".join(lines) + "\n"


def save(plan: Plan, sections: Sequence[Section], text: str) -> Path:
    """Returns the folder."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    (FOLDER / "report.md").write_text(text)
    content = {
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "cores": os.cpu_count(),
        "plan": asdict(plan),
        "sections": [asdict(section) for section in sections],
        "targets": [asdict(target) for target in TARGETS],
    }
    (FOLDER / "report.json").write_text(json.dumps(content, indent=2) + "\n")
    return FOLDER


def _targets(sections: Sequence[Section]) -> list[str]:
    measured = {series.name: series for section in sections for series in section.series}
    rows = ["| figure | aim | measured | |", "|---|---|---|---|"]
    for target in TARGETS:
        series = measured[target.name]
        verdict = "met" if target.met_by(series) else "**not met**"
        rows.append(f"| {target.name} | {_aim(target, series)} | {_spread(series)} | {verdict} |")
    return rows


def _aim(target: Target, series: Series) -> str:
    return f"{'<' if target.at_most else '≥'} {target.limit:g} {series.unit}".rstrip()


def _table(all_series: Sequence[Series]) -> list[str]:
    rows = ["| figure | median (lowest to highest) |", "|---|---|"]
    return rows + [f"| {series.name} | {_spread(series)} |" for series in all_series]


def _spread(series: Series) -> str:
    median, lowest, highest = map(_number, (series.median, series.lowest, series.highest))
    return f"{median} ({lowest} to {highest}) {series.unit}".rstrip()


def _number(value: float) -> str:
    if value >= 100:
        return f"{value:,.0f}"
    return f"{value:.1f}" if value >= 10 else f"{value:.3f}"
