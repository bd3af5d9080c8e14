"""What is not as usual, found by a scheduled job, and kept in Redis for the page.

The comparison reads a week of counts and the events of the hours that run: too much for each time
that somebody asks.
"""

from __future__ import annotations

import json
from collections import Counter
from datetime import datetime

import redis
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.metrics_core import Metric

from payments.config import Settings
from payments.database import snapshot
from payments.reconciliation.anomalies import find_anomalies
from payments.reconciliation.asked import sources_of
from payments.reconciliation.counts import Source
from payments.reconciliation.hours import HOUR, hour_of

KEY = "payments:unusual"
# The job runs every five minutes; what it said long ago is not said any more.
KEPT_SECONDS = 1200
KINDS = ("gaps", "conflicts", "stuck_events", "silent", "spike", "bad_signatures")
# Connected accounts are named by others.
OTHER = "other"


def note_unusual(connection: redis.Redis, settings: Settings, now: datetime) -> None:
    """Look at the hour that is over and the one that runs.

    Raises:
        RedisError: it could not be kept.
    """
    configured = sources_of(settings)
    with snapshot() as session:
        found = find_anomalies(session, hour_of(now) - HOUR, now, settings.job_timeout_seconds)
    counts = dict.fromkeys(((kind, *vars(it).values()) for kind in KINDS for it in configured), 0)
    numbers = Counter(counts)
    for anomaly in found:
        known = Source(anomaly.provider, anomaly.account) in configured
        numbers[anomaly.kind, anomaly.provider, anomaly.account if known else OTHER] += 1
    rows = [[*names, number] for names, number in sorted(numbers.items())]
    connection.set(KEY, json.dumps(rows), ex=KEPT_SECONDS)


def unusual_gauge(connection: redis.Redis) -> Metric:
    """Raises RedisError where Redis does not say."""
    unusual = GaugeMetricFamily(
        "payments_anomalies",
        "What is not as usual in the hour that is over and the one that runs.",
        labels=["kind", "provider", "account"],
    )
    kept = connection.get(KEY)
    for *names, number in json.loads(kept) if isinstance(kept, bytes) else ():
        unusual.add_metric(names, number)
    return unusual
