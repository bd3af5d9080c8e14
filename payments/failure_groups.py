"""Which group of failures an event is in: that of the cause of its latest failure.

It gets there when an attempt fails, or when it dies otherwise, and stays while it is retried, by
itself or by an operator. It leaves when it is processed, ignored or discarded, or when it fails for
another reason. Each attempt keeps its own group for good.
"""

from __future__ import annotations

import itertools
from datetime import datetime, timedelta

import structlog
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from payments.causes import VERSION, Cause, Mask, Subject, cause_of_death, cause_of_text, classify
from payments.database import insert_into, transaction
from payments.models import DEAD, Event, FailureGroup

BATCH = 500
# During an outage every failure touches the same row: it is written at most so often.
LAST_SEEN_SECONDS = 10
DEATHS = ("KillsItsWorker", "ProcessDied")

log = structlog.get_logger(__name__)


def note_failure(
    session: Session,
    event: Event,
    error: BaseException,
    mask: Mask,
    now: datetime,
    *,
    timed_out: bool = False,
) -> int:
    """Put `event`, whose lock is ours, into the group of `error`; returns the group's key."""
    cause = classify(error, _subject(event), mask, timed_out=timed_out)
    event.failure_group_id = group = group_of(session, cause, now)
    return group


def note_death(session: Session, event: Event, now: datetime) -> None:
    """Put `event`, whose lock is ours, into the group of a death without a failing attempt.

    Where its budget is used up, the cause is still that of its latest failure.
    """
    reason = (event.last_error or "").partition(":")[0]
    if reason in DEATHS:
        cause = cause_of_death(reason, _subject(event))
        event.failure_group_id = group_of(session, cause, now)


def group_of(session: Session, cause: Cause, now: datetime) -> int:
    """The primary key of the cause's group, which is made where there is none."""
    known = select(FailureGroup.id, FailureGroup.last_seen_at).where(
        FailureGroup.fingerprint == cause.fingerprint
    )
    found = session.execute(known).one_or_none()
    if found is None:
        _make(session, cause, now)
        found = session.execute(known).one()
    if found.last_seen_at < now - timedelta(seconds=LAST_SEEN_SECONDS):
        session.execute(
            update(FailureGroup)
            .where(FailureGroup.id == found.id, FailureGroup.last_seen_at < now)
            .values(last_seen_at=now)
            .execution_options(synchronize_session=False)
        )
    return int(found.id)


def adopt_dead_events(mask: Mask, most_batches: int | None = None) -> int:
    """Give a group to each dead event that has none; returns how many those were.

    They died before there were groups, or under an older version of the service. All that is left
    of their cause is `last_error`, and of its time when they were received. In bounded batches,
    each a transaction of its own; `most_batches` ends it early, as in `recover`.
    """
    adopted = 0
    for number in itertools.count(1):
        count = _adopt_batch(mask)
        adopted += count
        if count < BATCH or number == most_batches:
            break
    if adopted:
        log.info("dead events have got a group", count=adopted)
    return adopted


def _adopt_batch(mask: Mask) -> int:
    with transaction() as session:
        events = session.scalars(
            select(Event)
            .where(Event.status == DEAD, Event.failure_group_id.is_(None))
            .order_by(Event.id)
            .limit(BATCH)
            .with_for_update(skip_locked=True, key_share=True)
        ).all()
        for event in events:
            cause = cause_of_text(event.last_error, _subject(event), mask)
            event.failure_group_id = group_of(session, cause, event.received_at)
        return len(events)


def _make(session: Session, cause: Cause, now: datetime) -> None:
    """Two that make the same one at once make one."""
    values = {
        "fingerprint": cause.fingerprint,
        "version": VERSION,
        "stage": cause.stage,
        "error_type": cause.error_type,
        "dependency": cause.dependency,
        "provider": cause.provider,
        "event_type": cause.event_type,
        "field": cause.field,
        "frame": cause.frame,
        "sentence": cause.says,
        "first_seen_at": now,
        "last_seen_at": now,
    }
    session.execute(insert_into(session, FailureGroup).on_conflict_do_nothing(), values)


def _subject(event: Event) -> Subject:
    return Subject(provider=event.provider, event_type=event.event_type)
