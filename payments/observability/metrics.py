"""What this service counts and measures as it happens, for `/metrics`.

The names are a contract with dashboards and alerts (README.md, "Metrics"). Labels are bounded: who
calls gives values from a list, never what a client has sent. Counting never stands in the way of
what is counted: its own failure is logged, once.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import ParamSpec

import structlog
from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    disable_created_metrics,
)
from prometheus_client.metrics_core import Metric

from payments.observability.process_files import ProcessFiles

OTHER = "other"
OTHER_METHOD = "OTHER"
METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
# In seconds. A delivery takes milliseconds; its answer must come before the provider gives up.
REQUEST_BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
ATTEMPT_BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 120.0)
# From the arrival to the end, with the waits between attempts: up to a day.
EVENT_BUCKETS = (0.1, 0.5, 1.0, 5.0, 15.0, 60.0, 300.0, 1800.0, 7200.0, 86400.0)

# They would double the page, and processes that share have none.
disable_created_metrics()  # type: ignore[no-untyped-call]

log = structlog.get_logger(__name__)
P = ParamSpec("P")

REGISTRY = CollectorRegistry()
# Each has labels, so that a value is made when it is first needed: by then it is known where.
REQUESTS = Counter(
    "http_requests",
    "HTTP requests answered, by the route that matched.",
    ["endpoint", "method", "status_code"],
    registry=REGISTRY,
)
REQUEST_SECONDS = Histogram(
    "http_request_duration_seconds",
    "How long HTTP requests took, by the route that matched.",
    ["endpoint", "method"],
    buckets=REQUEST_BUCKETS,
    registry=REGISTRY,
)
SIGNATURES = Counter(
    "webhook_signature_validations",
    "Signatures of deliveries that were checked: valid, invalid, or unavailable (nobody to ask).",
    ["provider", "result"],
    registry=REGISTRY,
)
EVENTS = Counter(
    "webhook_events",
    "Events: received, duplicate or conflict at the door; processed, ignored or dead at the end.",
    ["provider", "event_type", "status"],
    registry=REGISTRY,
)
PROCESSING_SECONDS = Histogram(
    "webhook_processing_duration_seconds",
    "How long attempts took, with the handlers and the commit.",
    ["provider", "event_type"],
    buckets=ATTEMPT_BUCKETS,
    registry=REGISTRY,
)
EVENT_SECONDS = Histogram(
    "payments_event_duration_seconds",
    "From an event's arrival to its end (processed, ignored or dead).",
    ["provider"],
    buckets=EVENT_BUCKETS,
    registry=REGISTRY,
)
ATTEMPTS = Counter(
    "payments_attempts",
    "Attempts at events, by how they ended.",
    ["provider", "outcome"],
    registry=REGISTRY,
)
DATABASE_OPERATIONS = Counter(
    "database_operations",
    "Statements that the database carried out (ok) or did not (error).",
    ["operation", "table", "status"],
    registry=REGISTRY,
)
CONNECTIONS = Gauge(
    "payments_database_connections_in_use",
    "Database connections that are taken from the processes' pools.",
    ["kind"],
    multiprocess_mode="livesum",
    registry=REGISTRY,
)
ENQUEUE_FAILURES = Counter(
    "payments_enqueue_failures",
    "Kept events that could not be enqueued and were left to recovery.",
    ["provider"],
    registry=REGISTRY,
)
BREAKERS = Gauge(
    "payments_breakers_open",
    "Processes that leave Redis alone for a moment, because it failed.",
    ["dependency"],
    multiprocess_mode="livesum",
    registry=REGISTRY,
)
ALL = (
    *(REQUESTS, REQUEST_SECONDS, SIGNATURES, EVENTS, PROCESSING_SECONDS, EVENT_SECONDS),
    *(ATTEMPTS, DATABASE_OPERATIONS, CONNECTIONS, ENQUEUE_FAILURES, BREAKERS),
)


class _State:
    """Of this process: whether it counts, and with whom it shares."""

    enabled = True
    files: ProcessFiles | None = None
    has_failed = False


def configure(*, enabled: bool) -> None:
    """Count from now on, or not."""
    _State.enabled = enabled


def share(var_dir: Path) -> None:
    """Count where all processes of this machine do; for those that live for long.

    To be called before anything is counted. Without a folder it counts for itself alone.
    """
    if not _State.enabled:
        return
    for metric in ALL:
        metric.clear()  # before they are shared: prometheus_client warns of it later
    files = ProcessFiles(_folder(var_dir))
    try:
        files.join()
    except OSError as error:
        log.warning("metrics are not shared", error=type(error).__name__)
        return
    _State.files = files


def look(var_dir: Path) -> None:
    """From now on, `counted` tells what the processes that share have counted; for one that does
    not count there itself."""
    folder = _folder(var_dir)
    if folder.is_dir():
        _State.files = ProcessFiles(folder)


def counted() -> Iterable[Metric]:
    """What was counted until now: by all processes that share, or by this one.

    Raises:
        OSError: the folder cannot be read.
    """
    return _State.files.metrics() if _State.files else REGISTRY.collect()


def _folder(var_dir: Path) -> Path:
    return var_dir / "metrics"


def harmless(count: Callable[P, None]) -> Callable[P, None]:
    """Nothing where metrics are off, and no exception where they fail."""

    @functools.wraps(count)
    def carefully(*args: P.args, **kwargs: P.kwargs) -> None:
        if not _State.enabled:
            return
        try:
            count(*args, **kwargs)
        except Exception as error:
            if not _State.has_failed:
                _State.has_failed = True
                log.warning("metrics fail", error=type(error).__name__)

    return carefully


@harmless
def count_request(endpoint: str, method: str, status: int, seconds: float | None) -> None:
    """`seconds` is None where the request was refused before anybody looked at the clock."""
    method = method if method in METHODS else OTHER_METHOD
    REQUESTS.labels(endpoint, method, str(status)).inc()
    if seconds is not None:
        REQUEST_SECONDS.labels(endpoint, method).observe(seconds)


@harmless
def count_signature(provider: str, result: str) -> None:
    SIGNATURES.labels(provider, result).inc()


@harmless
def count_event(provider: str, event_type: str, status: str) -> None:
    EVENTS.labels(provider, event_type, status).inc()


@harmless
def count_attempt(provider: str, outcome: str) -> None:
    ATTEMPTS.labels(provider, outcome).inc()


@harmless
def measure_attempt(provider: str, event_type: str, seconds: float) -> None:
    PROCESSING_SECONDS.labels(provider, event_type).observe(seconds)


@harmless
def measure_event(provider: str, seconds: float) -> None:
    EVENT_SECONDS.labels(provider).observe(seconds)


@harmless
def count_enqueue_failure(provider: str) -> None:
    ENQUEUE_FAILURES.labels(provider).inc()


@harmless
def note_breaker(is_open: bool) -> None:
    BREAKERS.labels("redis").set(is_open)
