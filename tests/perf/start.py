"""How long the web takes from its process' start to its first answer."""

from __future__ import annotations

from tests.perf.figures import Section
from tests.perf.plan import Plan
from tests.perf.progress import progress
from tests.perf.stack import BARE, SERVICE, Stack


def measure_start(stack: Stack, plan: Plan) -> Section:
    seconds: dict[str, list[float]] = {BARE: [], SERVICE: []}
    for number in range(plan.starts):
        progress(f"start {number + 1} of {plan.starts}")
        for app, measured in seconds.items():
            with stack.web(app) as web:
                measured.append(web.seconds_to_health)
    section = Section("Start", ["From the start of gunicorn's process to a 200 from /health."])
    service = section.add("service", "s", seconds[SERVICE])
    bare = section.add("bare route", "s", seconds[BARE])
    section.add_ratio("service / bare route, start", service, bare)
    return section
