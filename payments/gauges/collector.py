"""Asking each dependency how things stand, for a short time each: the page always answers."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator

import structlog
from flask import Flask
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.metrics_core import Metric

from payments import __version__
from payments.extensions import SETTINGS
from payments.gauges.kept import kept_gauges
from payments.gauges.queued import queued_gauges

# Prometheus gives a scrape ten seconds, and both dependencies may hang.
MOST_SECONDS = 3.0
NAME = "payments-api"
# The seed's sample has `environment="production"`.
ENVIRONMENTS = {"dev": "development", "test": "test", "prod": "production"}

log = structlog.get_logger(__name__)
Look = Callable[[], list[Metric]]


class Watcher:
    """Looks at one dependency, one look at a time: a look that hangs does not pile up others."""

    def __init__(self, look: Look) -> None:
        self._look = look
        self._busy = threading.Lock()

    def __call__(self, app: Flask) -> list[Metric] | None:
        """What was seen; None where the dependency is away, or does not answer in time."""
        if not self._busy.acquire(blocking=False):
            return None
        seen: list[list[Metric]] = []
        done = threading.Event()

        def look() -> None:
            try:
                with app.app_context():
                    seen.append(self._look())
            except Exception as error:  # whatever it is, the rest of the page is wanted
                log.warning("gauges fail", error=type(error).__name__)
            finally:
                self._busy.release()
                done.set()

        threading.Thread(target=look, name="gauges", daemon=True).start()
        done.wait(MOST_SECONDS)
        return seen[0] if seen else None


WATCHERS = {"database": Watcher(kept_gauges), "redis": Watcher(queued_gauges)}


def standing(app: Flask) -> Iterator[Metric]:
    """The build, and how things stand at each dependency. Never raises."""
    yield from _build(app)
    up = GaugeMetricFamily(
        "payments_dependency_up", "Whether it told how things stand.", labels=["dependency"]
    )
    seconds = GaugeMetricFamily(
        "payments_gauges_seconds", "How long asking it took.", labels=["dependency"]
    )
    for name, watcher in WATCHERS.items():
        started = time.perf_counter()
        seen = watcher(app)
        up.add_metric([name], seen is not None)
        seconds.add_metric([name], time.perf_counter() - started)
        yield from seen or ()
    yield up
    yield seconds


def _build(app: Flask) -> Iterator[Metric]:
    environment = ENVIRONMENTS[app.extensions[SETTINGS].app_env]
    build = GaugeMetricFamily(
        "payments_api_build_info", "What runs here.", labels=["environment", "name", "version"]
    )
    build.add_metric([environment, NAME, __version__], 1)
    yield build
    application = GaugeMetricFamily(
        "application_info", "What runs here.", labels=["environment", "version"]
    )
    application.add_metric([environment, __version__], 1)
    yield application
