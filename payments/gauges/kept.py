"""What the database knows of events that have not ended well, and of the uses of secrets.

Each answer comes from an index, and is bounded: nothing is counted beyond `MOST_COUNTED`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime

from prometheus_client.core import GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from payments.database import snapshot, time_of_server
from payments.extensions import settings
from payments.gauges.compared import compared_gauges
from payments.models import (
    DEAD,
    UNFINISHED,
    Event,
    SecretUse,
)
from payments.reconciliation.asked import sources_of
from payments.reconciliation.counts import Source
from payments.reconciliation.summary import oldest_unfinished
from payments.time_limits import at_most

MOST_COUNTED = 100_000
MOST_LABELS = 200
MOST_SECONDS = 2.0


def kept_gauges() -> list[Metric]:
    """Raises TookTooLong, or what the database raises where it is away."""
    sources = sources_of(settings())
    with snapshot() as session, at_most(session, MOST_SECONDS):
        now = time_of_server(session)
        return [
            *_events(session, now),
            *_providers(session, sources),
            *compared_gauges(session, sources, now, MOST_COUNTED),
            _secrets(session),
        ]


def _events(session: Session, now: datetime) -> Iterator[Metric]:
    unfinished = GaugeMetricFamily(
        "payments_unfinished_events", "Events that have not ended, by status.", labels=["status"]
    )
    for status in UNFINISHED:
        unfinished.add_metric([status], _number_of(session, status))
    yield unfinished
    yield GaugeMetricFamily("payments_dead_letters", "Dead events.", _number_of(session, DEAD))
    oldest = oldest_unfinished(session, now)
    yield GaugeMetricFamily(
        "payments_oldest_unfinished_event_seconds",
        "The age of the oldest event that has not ended; 0 where all have.",
        oldest["age_seconds"] if oldest else 0.0,
    )
    due = session.scalar(
        select(Event.next_attempt_at)
        .where(Event.status.in_(UNFINISHED))
        .order_by(Event.next_attempt_at)
        .limit(1)
    )
    yield GaugeMetricFamily(
        "payments_most_overdue_event_seconds",
        "For how long the most overdue event should have been looked at; 0 where none is overdue.",
        max(0.0, (now - due).total_seconds()) if due else 0.0,
    )


def _number_of(session: Session, status: str) -> int:
    some = select(Event.id).where(Event.status == status).limit(MOST_COUNTED).subquery()
    return session.scalar(select(func.count()).select_from(some)) or 0


def _providers(session: Session, sources: Mapping[Source, bool]) -> Iterator[Metric]:
    latest = GaugeMetricFamily(
        "payments_last_event_timestamp_seconds",
        "When the provider's latest event was received.",
        labels=["provider"],
    )
    for provider in sorted({source.provider for source in sources}):
        query = select(Event.received_at).where(Event.provider == provider)
        if at := session.scalar(query.order_by(Event.id.desc()).limit(1)):
            latest.add_metric([provider], at.timestamp())
    yield latest


def _secrets(session: Session) -> Metric:
    use = SecretUse
    latest = select(use).order_by(use.last_used_at.desc()).limit(MOST_LABELS)
    used = GaugeMetricFamily(
        "payments_secret_last_used_timestamp_seconds",
        "When a delivery was last proven by the secret or certificate of this label.",
        labels=["provider", "account", "label"],
    )
    for row in session.scalars(latest):
        used.add_metric([row.provider, row.account, row.label], row.last_used_at.timestamp())
    return used
