"""A picture of the run: the dashboard's queries, with what was broken and when it was told."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path

from tests.observability.prometheus import Prometheus, Series
from tests.support.service import ROOT

FILE = ROOT / "var" / "observability" / "incidents.svg"
WIDTH, HEIGHT, LEFT, GAP = 960, 110, 60, 46
COLOURS = ("#1f6feb", "#d29922", "#8957e5", "#2da44e", "#bf3989", "#57606a")


@dataclass(frozen=True)
class Span:
    """An incident: when it began, when its alert fired, when it was mended (seconds since 1970)."""

    what: str
    alert: str
    began: float
    fired: float
    ended: float


def draw(
    prometheus: Prometheus, start: float, spans: Sequence[Span], queries: Mapping[str, str]
) -> Path:
    """One row for each incident; returns the file."""
    end = time.time()
    rows = [
        _row(place, span, prometheus.range(queries[span.alert], start, end, 2), start, end)
        for place, span in enumerate(spans)
    ]
    height = len(rows) * (HEIGHT + GAP) + 10
    FILE.parent.mkdir(parents=True, exist_ok=True)
    FILE.write_text(
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" '
        'font-family="sans-serif" font-size="12">'
        f'<rect width="{WIDTH}" height="{height}" fill="#ffffff"/>{"".join(rows)}</svg>\n'
    )
    return FILE


def _row(place: int, span: Span, series: Sequence[Series], start: float, end: float) -> str:
    top = place * (HEIGHT + GAP) + 30
    highest = max((value for one in series for _, value in one.points), default=1.0) or 1.0

    def x(at: float) -> float:
        return LEFT + (at - start) / (end - start) * (WIDTH - LEFT - 10)

    def y(value: float) -> float:
        return top + HEIGHT - value / highest * HEIGHT

    parts = [
        f'<text x="{LEFT}" y="{top - 10}">{escape(span.what)}: {span.alert} after '
        f"{span.fired - span.began:.0f} s</text>",
        _band(x(span.began), x(span.fired), top, "#fff3cd"),
        _band(x(span.fired), x(span.ended), top, "#ffc9c9"),
        f'<path d="M{LEFT} {top}V{top + HEIGHT}H{WIDTH - 10}" stroke="#8c959f" fill="none"/>',
        f'<text x="{LEFT - 6}" y="{top + 10}" text-anchor="end">{highest:.3g}</text>',
        f'<text x="{LEFT - 6}" y="{top + HEIGHT}" text-anchor="end">0</text>',
    ]
    for number, one in enumerate(series):
        colour = COLOURS[number % len(COLOURS)]
        points = " ".join(f"{x(at):.1f},{y(value):.1f}" for at, value in one.points)
        parts.append(f'<polyline points="{points}" fill="none" stroke="{colour}"/>')
        name = ", ".join(one.labels.values())
        parts.append(
            f'<text x="{WIDTH - 10 - 90 * number}" y="{top - 10}" text-anchor="end" '
            f'fill="{colour}">{escape(name)}</text>'
        )
    return "".join(parts)


def _band(left: float, right: float, top: float, colour: str) -> str:
    width = max(1.0, right - left)
    return f'<rect x="{left:.1f}" y="{top}" width="{width:.1f}" height="{HEIGHT}" fill="{colour}"/>'
