"""Anomalies that only a comparison with what is usual shows: silence, spikes, bad signatures."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from payments.models import DeliveryCount
from payments.reconciliation.anomaly import Anomaly, in_words
from payments.reconciliation.counts import Hourly, Source
from payments.reconciliation.hours import HOUR, hour_of
from payments.reconciliation.rates import (
    DAYS,
    Deliveries,
    History,
    is_rising,
    is_spike,
    missed_by,
)

HISTORY = timedelta(days=DAYS) + HOUR


def silences(came: Hourly, now: datetime) -> Iterator[Anomaly]:
    for source, history in came.items():
        since = _silent_since(history, now)
        missed = missed_by(history, since, now)
        if missed is not None:
            yield Anomaly(
                kind="silent",
                provider=source.provider,
                account=source.account,
                since=since,
                message=f"{source} has sent nothing since {since:%Y-%m-%d %H:%M} UTC; "
                f"usual would be about {in_words(round(missed))}.",
                numbers={"received": 0, "usual": round(missed, 1)},
            )


def _silent_since(history: History, now: datetime) -> datetime:
    """The beginning of the hours up to now that are known to have brought nothing."""
    hour = hour_of(now)
    while history.get(hour) == 0:
        hour -= HOUR
    return hour + HOUR


def spikes(came: Hourly, start: datetime) -> Iterator[Anomaly]:
    for source, history in came.items():
        hours = [
            hour
            for hour, number in history.items()
            if hour >= start and is_spike(history, hour, number)
        ]
        if hours:
            largest = max(history[hour] for hour in hours)
            yield Anomaly(
                kind="spike",
                provider=source.provider,
                account=source.account,
                since=min(hours),
                message=f"{source} has sent {in_words(largest)} in one hour, far more than ever in "
                "the week before.",
                numbers={"received": largest, "hours": len(hours)},
            )


def bad_signatures(session: Session, now: datetime) -> Iterator[Anomaly]:
    """Of the hour that is over and the one that runs, against the week before them."""
    latest = hour_of(now) - HOUR
    before = _deliveries(session, latest - HISTORY, latest)
    for source, recent in _deliveries(session, latest, now).items():
        earlier = before.get(source, Deliveries())
        if is_rising(earlier, recent):
            yield Anomaly(
                kind="bad_signatures",
                provider=source.provider,
                account=source.account,
                since=latest,
                message=f"{recent.share:.0%} of the latest deliveries to {source} have a bad "
                "signature. Was a secret changed?",
                numbers={
                    "refused": recent.refused,
                    "share": round(recent.share, 4),
                    "share_before": round(earlier.share, 4),
                },
            )


def _deliveries(session: Session, start: datetime, end: datetime) -> dict[Source, Deliveries]:
    count = DeliveryCount
    query = (
        select(count.provider, count.account, func.sum(count.accepted), func.sum(count.refused))
        .where(count.hour >= start, count.hour < end)
        .group_by(count.provider, count.account)
    )
    return {
        Source(provider, account): Deliveries(accepted=int(accepted), refused=int(refused))
        for provider, account, accepted, refused in session.execute(query)
    }
