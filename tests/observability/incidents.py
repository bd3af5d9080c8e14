"""What is broken in turn, and which alert has to tell it within which time."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from tests.observability.errors import Wrong
from tests.observability.picture import Span, draw
from tests.observability.scene import Scene
from tests.support.service import SCHEDULER, WEB

# Beyond the alert's own times: scrapes, evaluations, and a machine with other work.
MARGIN_SECONDS = 60
QUIET_SECONDS = 420
# Between two incidents, so that the first is over in all that is scraped.
PAUSE_SECONDS = 10
WORKER = "worker.1"
STRIPE_SECRET = "STRIPE_SIGNING_SECRET"


@dataclass(frozen=True)
class Incident:
    """Something that breaks.

    Attributes:
        alert: what has to fire, at most `seconds` and a margin after the break.
        query: of the dashboard, which shows it.
    """

    what: str
    alert: str
    seconds: float
    query: str
    begin: Callable[[Scene], None]
    end: Callable[[Scene], None]


def _start_redis(scene: Scene) -> None:
    """Workers and the scheduler end with their Redis, and a process manager starts them again."""
    scene.valkey.start()
    for name in (WORKER, SCHEDULER):
        if not scene.service.is_running(name):
            scene.service.start(name)


def _change_secret(scene: Scene, secret: str) -> None:
    scene.service.environment[STRIPE_SECRET] = secret
    scene.service.terminate(WEB)
    scene.service.start(WEB)
    scene.service.wait_until_healthy()


def _another_secret(scene: Scene) -> None:
    _change_secret(scene, "whsec_mistyped0000000000000")


def _incidents(secret: str) -> tuple[Incident, ...]:
    """Those whose alerts look back over minutes come first: they end while the others happen."""
    return (
        Incident(
            "a handler fails",
            "AttemptsFailing",
            300,
            'sum by (outcome) (rate(payments_attempts_total{provider="stripe"}[$__rate_interval]))',
            lambda scene: scene.switch.touch(),
            lambda scene: scene.switch.unlink(),
        ),
        Incident(
            "the signing secret is mistyped",
            "BadSignaturesRising",
            180,
            "sum by (result) (rate(webhook_signature_validations_total"
            '{provider="stripe"}[$__rate_interval]))',
            _another_secret,
            lambda scene: _change_secret(scene, secret),
        ),
        Incident(
            "Redis is killed",
            "RedisAway",
            60,
            'min(payments_dependency_up{dependency="redis"})',
            lambda scene: scene.valkey.kill(),
            _start_redis,
        ),
        Incident(
            "the scheduler is killed",
            "SchedulerGone",
            120,
            "time() - max(payments_scheduler_last_seen_timestamp_seconds)",
            lambda scene: scene.service.kill(SCHEDULER),
            lambda scene: scene.service.start(SCHEDULER),
        ),
        Incident(
            "the worker is killed",
            "WorkersGone",
            195,
            "max(payments_workers)",
            lambda scene: scene.service.kill(WORKER),
            lambda scene: scene.service.start(WORKER),
        ),
    )


def break_in_turn(scene: Scene, say: Callable[[str], None]) -> None:
    """Raises Wrong where an alert does not fire in its time."""
    started = time.time()
    spans = []
    incidents = _incidents(scene.service.environment[STRIPE_SECRET])
    for incident in incidents:
        time.sleep(PAUSE_SECONDS)
        _wait_for_quiet(scene, {incident.alert})
        began = time.time()
        incident.begin(scene)
        fired = _wait_for(scene, incident, began)
        others = sorted(scene.prometheus.firing() - {incident.alert})
        say(
            f"{incident.what}: {incident.alert} fired after {fired:.0f} s"
            + (f" (also firing: {', '.join(others)})" if others else "")
        )
        incident.end(scene)
        spans.append(Span(incident.what, incident.alert, began, began + fired, time.time()))
    seconds = _wait_for_quiet(scene, {it.alert for it in incidents})
    say(f"all of them ended within {seconds:.0f} s after all was mended")
    queries = {it.alert: it.query for it in incidents}
    say(f"drawn: {draw(scene.prometheus, started, spans, queries)}")


def _wait_for(scene: Scene, incident: Incident, began: float) -> float:
    limit = incident.seconds + MARGIN_SECONDS
    while incident.alert not in scene.prometheus.firing():
        if time.time() - began > limit:
            firing = ", ".join(sorted(scene.prometheus.firing())) or "none"
            raise Wrong(
                f"{incident.what}: {incident.alert} does not fire within {limit:.0f} s "
                f"(firing: {firing})"
            )
        time.sleep(1)
    return time.time() - began


def _wait_for_quiet(scene: Scene, alerts: set[str]) -> float:
    """All is mended, so each of these ends by itself; returns after how many seconds."""
    mended = time.time()
    while still := scene.prometheus.active() & alerts:
        if time.time() - mended > QUIET_SECONDS:
            raise Wrong(f"still firing {QUIET_SECONDS} s after all was mended: {sorted(still)}")
        time.sleep(1)
    return time.time() - mended
