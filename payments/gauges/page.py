"""The page that Prometheus reads: what was counted on this machine, and how things stand."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import structlog
from flask import Flask
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.metrics_core import Metric

from payments.gauges.collector import standing
from payments.observability import metrics

log = structlog.get_logger(__name__)


def page(app: Flask) -> str:
    """In Prometheus' text format. Never raises: what cannot be read is left out."""
    return generate_latest(_Page(app)).decode()


class _Page(CollectorRegistry):
    def __init__(self, app: Flask) -> None:
        super().__init__()
        self._app = app

    def collect(self) -> Iterator[Metric]:
        yield from _counted()
        yield from standing(self._app)


def _counted() -> Iterable[Metric]:
    try:
        return list(metrics.counted())
    except (OSError, RuntimeError, ValueError) as error:
        log.warning("counts cannot be read", error=type(error).__name__)
        return []
