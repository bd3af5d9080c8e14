"""How much is measured, and which figures are aimed for."""

from __future__ import annotations

from dataclasses import dataclass

from tests.perf.figures import Target


@dataclass(frozen=True, kw_only=True)
class Plan:
    """The size of a run.

    Attributes:
        connections: how many deliveries are under way at once.
        rounds: how often everything is measured; the contestants take turns in each.
        seconds: how long each contestant is under load in a round.
        most_requests: pre-signed requests per round; a round ends early when they are used up.
        events: how many events the workers process in a round.
        workers: how many of them.
        starts: how often the web is started to see how long that takes.
    """

    quick: bool
    connections: int = 32
    rounds: int
    seconds: float
    most_requests: int
    events: int
    workers: int = 2
    starts: int


FULL = Plan(quick=False, rounds=3, seconds=8, most_requests=24_000, events=3_000, starts=3)
QUICK = Plan(quick=True, rounds=1, seconds=2, most_requests=6_000, events=300, starts=1)

INTAKE_RATIO = "intake / bare route"
METRICS_CPU = "CPU per request, with metrics / without"
PROCESSING_RATE = "events processed"
WEB_MEMORY = "web worker, RSS"

TARGETS = (
    Target(INTAKE_RATIO, 0.12),
    Target(METRICS_CPU, 1.05, at_most=True),
    Target(PROCESSING_RATE, 200),
    Target(WEB_MEMORY, 120, at_most=True),
)
