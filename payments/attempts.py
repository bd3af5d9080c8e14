"""The attempts at an event: begun before the handlers run, ended in a commit of their own.

An attempt that was begun and has no end tells that its process died, and which event it was at.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog
from sqlalchemy import ScalarSelect, func, insert, select, update
from sqlalchemy.orm import Session

from payments.attempted import Attempted
from payments.config import Settings
from payments.database import server_now, transaction
from payments.failure_groups import note_death
from payments.models import (
    DEAD,
    FINISHED,
    PROCESSING,
    RECEIVED,
    RETRYING,
    Attempt,
    Event,
    utc_now,
)
from payments.observability import metrics
from payments.observability.masking import Masker
from payments.observability.trace_context import trace_of
from payments.unwritten import DIED

# From then on, recovery looks whether the attempt's job is still alive.
LEASE_SECONDS = 30
# An attempt that was begun and has no end belongs to a dead process, unless it is this young: its
# process may be between its first and its second transaction.
YOUNG_SECONDS = 5
# So many in a row, and the event is what kills the process.
MOST_DEATHS = 3
# A job that comes earlier than the row says is put off, unless it is by less than this.
EARLY_SECONDS = 0.05
DIED_MESSAGE = "The process died, or was killed, in the middle of this attempt."

log = structlog.get_logger(__name__)


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """How an attempt ended.

    Attributes:
        status: the event's status now.
        number: the attempt's number; None where there was nothing to attempt.
        ended: how the attempt itself ended (models/events.py, OUTCOMES); None like its number.
        early_by_seconds: the event waits for its next attempt, and so long still.
        retry_in_seconds: until the next attempt; None where there is none.
        error: the masked reason of a failure; None where it did not fail.
        attempted: the event, for metrics; None where another has ended the attempt.
    """

    status: str
    number: int | None = None
    ended: str | None = None
    early_by_seconds: float | None = None
    retry_in_seconds: float | None = None
    error: str | None = None
    attempted: Attempted | None = None

    @property
    def failed(self) -> bool:
        return self.error is not None


@dataclass(frozen=True, kw_only=True)
class Begun:
    """An attempt that has begun, and what logs and traces say of its event.

    Attributes:
        id: the event's primary key.
        event_id: the provider's id of it.
        request_id: that of the request which brought it; None where none did.
        traceparent: the trace that the request belonged to.
    """

    id: int
    number: int
    provider: str
    event_id: str
    event_type: str
    request_id: str | None
    traceparent: str | None


@dataclass(frozen=True, kw_only=True)
class Processor:
    """What an attempt needs to know. `timeout_errors` end an attempt that ran for too long."""

    settings: Settings
    worker: str
    mask: Masker
    rng: random.Random
    timeout_errors: tuple[type[BaseException], ...] = ()

    @classmethod
    def of(
        cls, settings: Settings, worker: str, timeout_errors: tuple[type[BaseException], ...] = ()
    ) -> Processor:
        return cls(
            settings=settings,
            worker=worker,
            mask=Masker(settings.secrets),
            rng=random.SystemRandom(),
            timeout_errors=timeout_errors,
        )


def begin(event_id: int, processor: Processor) -> Begun | Outcome:
    """Write down that attempt number n begins; or say why there is nothing to attempt."""
    with transaction() as session:
        event, now = locked_now(session, event_id)
        if event is None:
            return Outcome(status="unknown")
        if event.status in FINISHED:
            return Outcome(status=event.status)
        if refusal := _refuse(session, event, processor, now):
            return refusal
        session.execute(
            update(Event)
            .where(Event.id == event_id)
            .values(
                status=PROCESSING,
                attempts=Event.attempts + 1,
                next_attempt_at=now + timedelta(seconds=LEASE_SECONDS),
            )
            .execution_options(synchronize_session=False)
        )
        number: int | None = session.scalar(
            insert(Attempt)
            .values(
                event_id=event_id,
                number=_next_number(event_id),
                started_at=now,
                worker=processor.worker,
            )
            .returning(Attempt.number)
        )
        assert number is not None
        return _begun(event, number)


def _begun(event: Event, number: int) -> Begun:
    return Begun(
        id=event.id,
        number=number,
        provider=event.provider,
        event_id=event.event_id,
        event_type=event.event_type,
        request_id=event.request_id,
        traceparent=event.traceparent,
    )


def _refuse(session: Session, event: Event, processor: Processor, now: datetime) -> Outcome | None:
    """Why no attempt may begin now; None where one may. Buries those that died."""
    if event.status == RECEIVED and event.attempts == 0:
        return None  # the ordinary case: there is nothing to look back at
    if (early := _early_by(event, now)) > EARLY_SECONDS:
        return Outcome(status=event.status, early_by_seconds=early)
    history = _history(session, event.id)
    _bury(event, history, now)
    if history and history[0].outcome is None:
        # Its process has just begun. Should it die, recovery will come back to the event.
        return Outcome(status=event.status)
    if reason := _hopeless(event, history, processor):
        event.status, event.next_attempt_at, event.last_error = DEAD, None, reason
        note_death(session, event, now)
        Attempted.of(event).event_ended(DEAD)
        known = trace_of(event.traceparent)
        log.error(
            "dead",
            id=event.id,
            event_id=event.event_id,
            provider=event.provider,
            event_type=event.event_type,
            request_id=event.request_id,
            trace_id=known.trace_id if known else None,
            error=reason,
        )
        return Outcome(status=DEAD, error=reason)
    return None


def _early_by(event: Event, now: datetime) -> float:
    """How many seconds too early it is for the next attempt.

    Jobs come early because RQ counts in whole seconds, and because duplicates bring some: each of
    them would be an attempt without backoff.
    """
    if event.status != RETRYING or event.next_attempt_at is None:
        return 0.0
    return (event.next_attempt_at - now).total_seconds()


def _next_number(event_id: int) -> ScalarSelect[int]:
    last = select(func.max(Attempt.number)).where(Attempt.event_id == event_id)
    return select(func.coalesce(last.scalar_subquery(), 0) + 1).scalar_subquery()


def _history(session: Session, event_id: int) -> Sequence[Attempt]:
    """The latest attempts, newest first: as many as it takes to tell a killer."""
    return session.scalars(
        select(Attempt)
        .where(Attempt.event_id == event_id)
        .order_by(Attempt.number.desc())
        .limit(MOST_DEATHS)
    ).all()


def _bury(event: Event, history: Sequence[Attempt], now: datetime) -> None:
    """Note which attempts died: nobody can be running them, because the row's lock is ours."""
    for attempt in history:
        # Its age may also be below zero: the clock of the one that began it was ahead.
        age = abs((now - attempt.started_at).total_seconds())
        if attempt.outcome is None and age > YOUNG_SECONDS:
            attempt.outcome, attempt.finished_at = DIED, now
            attempt.error_type, attempt.error_message = "ProcessDied", DIED_MESSAGE
            metrics.count_attempt(event.provider, DIED)


def bury_all(session: Session, event_id: int, now: datetime) -> None:
    """End every open attempt of an event whose lock is ours, before it starts over."""
    session.execute(
        update(Attempt)
        .where(Attempt.event_id == event_id, Attempt.outcome.is_(None))
        .values(
            outcome=DIED,
            finished_at=now,
            error_type="ProcessDied",
            error_message=DIED_MESSAGE,
        )
        .execution_options(synchronize_session=False)
    )


def _hopeless(event: Event, history: Sequence[Attempt], processor: Processor) -> str | None:
    """Why there shall be no further attempt; None where there shall."""
    current = history[: event.attempts]  # what came before an operator's retry does not count
    if len(current) == MOST_DEATHS and all(attempt.outcome == DIED for attempt in current):
        return f"KillsItsWorker: the process died in {MOST_DEATHS} attempts running."
    if not processor.settings.retry.remaining(event.attempts):
        if history and history[0].outcome == DIED:
            return f"ProcessDied: {DIED_MESSAGE}"
        return f"The budget of {processor.settings.retry.max_attempts} attempts is used up."
    return None


def locked(session: Session, event_id: int) -> Event | None:
    """The event, locked until the transaction's end; SQLite's writers are alone anyway."""
    return locked_now(session, event_id)[0]


def locked_now(session: Session, event_id: int) -> tuple[Event | None, datetime]:
    """The event, locked until the transaction's end, and the time by the database's clock.

    FOR NO KEY UPDATE: rows that refer to the event, such as a noted effect, may be added meanwhile.
    """
    row = session.execute(
        select(Event, server_now(session))
        .where(Event.id == event_id)
        .with_for_update(key_share=True)
        .execution_options(populate_existing=True)
    ).one_or_none()
    return (row[0], row[1]) if row is not None else (None, utc_now())


def is_lost(session: Session, event: Event, number: int) -> bool:
    """Whether attempt `number` has nothing left to do: `event` is finished, or others went on.

    A process that stood still for longer than `YOUNG_SECONDS` may find its attempt taken for dead.
    """
    if event.status in FINISHED:
        return True
    open_attempt = select(Attempt.id).where(
        Attempt.event_id == event.id, Attempt.number == number, Attempt.outcome.is_(None)
    )
    return session.scalar(open_attempt) is None


def end_attempt(
    session: Session,
    event_id: int,
    number: int,
    outcome: str,
    error: BaseException | None = None,
    message: str | None = None,
    failure_group_id: int | None = None,
) -> None:
    session.execute(
        update(Attempt)
        # Only once: where a commit arrived although its connection broke, what it says stands.
        .where(Attempt.event_id == event_id, Attempt.number == number, Attempt.outcome.is_(None))
        .values(
            finished_at=server_now(session),
            outcome=outcome,
            error_type=type(error).__name__ if error else None,
            error_message=message,
            failure_group_id=failure_group_id,
        )
        .execution_options(synchronize_session=False)
    )
