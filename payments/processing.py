"""Turning an event into its effect, exactly once.

Three commits, so that whatever dies in between is known:
1. begin: the attempt is written down before the handlers run;
2. run: the row is locked, the handlers run, and their writes, the mark and the attempt's end are
   one transaction;
3. fail: where 2 was rolled back, the reason and the time of the next attempt.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog
from sqlalchemy import event as sqlalchemy_event
from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from payments.config import Settings
from payments.database import transaction
from payments.errors import HandlerMisuse, PermanentFailure, RetryAfter
from payments.handlers.effects import Effects
from payments.handlers.registry import HandledEvent, Handler, handlers_for
from payments.models import (
    DEAD,
    FINISHED,
    IGNORED,
    PROCESSED,
    PROCESSING,
    RETRYING,
    Attempt,
    Event,
    EventPayload,
    utc_now,
)
from payments.observability.masking import Masker

# Beyond the job's time limit, an attempt is given this long before it is taken for dead.
LEASE_MARGIN_SECONDS = 60
SUPERSEDED = "superseded"

log = structlog.get_logger(__name__)


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """How an attempt ended.

    Attributes:
        status: the event's status now.
        number: the attempt's number; None where there was nothing to attempt.
        retry_in_seconds: until the next attempt; None where there is none.
        error: the masked reason of a failure; None where it did not fail.
    """

    status: str
    number: int | None = None
    retry_in_seconds: float | None = None
    error: str | None = None

    @property
    def failed(self) -> bool:
        return self.error is not None


@dataclass(frozen=True, kw_only=True)
class Processor:
    """What an attempt needs to know. `timeout_errors` end an attempt that ran for too long."""

    settings: Settings
    worker: str
    mask: Masker
    rng: random.Random
    now: Callable[[], datetime] = utc_now
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


def process(event_id: int, processor: Processor) -> Outcome:
    """One attempt at the event with primary key `event_id`.

    Never raises for what a handler does; a database that is away does raise, and leaves the event
    to recovery.
    """
    attempt = _begin(event_id, processor)
    if isinstance(attempt, Outcome):
        return attempt
    effects: list[Effects] = []
    try:
        return _run(event_id, attempt, processor, effects)
    except (Exception, SystemExit) as error:
        # SystemExit: a handler called sys.exit(), which is its failure and not the worker's end.
        return _fail(event_id, attempt, error, processor, effects)


def _begin(event_id: int, processor: Processor) -> int | Outcome:
    """Write down that attempt number n begins; or say why there is nothing to attempt."""
    now = processor.now()
    lease = timedelta(seconds=processor.settings.job_timeout_seconds + LEASE_MARGIN_SECONDS)
    with transaction() as session:
        event = _locked(session, event_id)
        if event is None:
            return Outcome(status="unknown")
        if event.status in FINISHED:
            return Outcome(status=event.status)
        last = session.scalar(select(func.max(Attempt.number)).where(Attempt.event_id == event_id))
        number = (last or 0) + 1
        session.add(
            Attempt(event_id=event_id, number=number, started_at=now, worker=processor.worker)
        )
        event.status = PROCESSING
        event.attempts += 1
        event.next_attempt_at = now + lease
    return number


def _run(event_id: int, number: int, processor: Processor, ledgers: list[Effects]) -> Outcome:
    """The handlers' writes, the mark and the attempt's end, in one transaction."""
    with transaction() as session:
        event = _locked(session, event_id)
        if event is None or event.status in FINISHED:
            # Another job was faster between our two transactions.
            _end_attempt(session, event_id, number, processor.now(), SUPERSEDED)
            return Outcome(status=event.status if event else "unknown", number=number)
        handlers = handlers_for(event.provider, event.event_type)
        effects = Effects(event_id, session)
        ledgers.append(effects)
        if handlers:
            _call(handlers, _handled(session, event), session, effects)
        status = PROCESSED if handlers else IGNORED
        effects.note_pending(session)
        _finish(session, event_id, status, processor.now())
        _end_attempt(session, event_id, number, processor.now(), status)
    log.info("attempt", id=event_id, number=number, outcome=status)
    return Outcome(status=status, number=number)


def _call(
    handlers: list[Handler], handled: HandledEvent, session: Session, effects: Effects
) -> None:
    ours = session.get_transaction()
    with _commit_forbidden(session):
        for handler in handlers:
            handler(handled, session, effects)
        if session.get_transaction() is not ours:
            raise HandlerMisuse("A handler must not roll back: raise an exception instead.")
        # What the handlers left unwritten fails here, as theirs, and not at our commit.
        session.flush()


@contextmanager
def _commit_forbidden(session: Session) -> Iterator[None]:
    """A handler that commits would part its writes from the event's mark; savepoints are fine."""

    def refuse(committing: Session) -> None:
        if not committing.in_nested_transaction():
            raise HandlerMisuse(
                "A handler must not commit: its writes are committed together with the event's "
                "mark."
            )

    sqlalchemy_event.listen(session, "before_commit", refuse)
    try:
        yield
    finally:
        sqlalchemy_event.remove(session, "before_commit", refuse)


def _fail(
    event_id: int,
    number: int,
    error: BaseException,
    processor: Processor,
    ledgers: list[Effects],
) -> Outcome:
    """The handlers' writes are rolled back; write down why, and when to try again."""
    now = processor.now()
    message = processor.mask.error(error)
    timed_out = isinstance(error, processor.timeout_errors)
    with transaction() as session:
        event = _locked(session, event_id)
        if event is None or event.status in FINISHED:
            _end_attempt(session, event_id, number, now, SUPERSEDED, error, message)
            return Outcome(status=event.status if event else "unknown", number=number)
        for effects in ledgers:
            effects.note_pending(session)
        retry_in = _next_delay(event, error, processor)
        event.status = DEAD if retry_in is None else RETRYING
        event.next_attempt_at = None if retry_in is None else now + timedelta(seconds=retry_in)
        event.last_error = f"{type(error).__name__}: {message}"
        status, last_error = event.status, event.last_error
        outcome = "timeout" if timed_out else "failed"
        _end_attempt(session, event_id, number, now, outcome, error, message)
    log.warning(
        "attempt", id=event_id, number=number, outcome=outcome, status=status, error=last_error
    )
    return Outcome(status=status, number=number, retry_in_seconds=retry_in, error=last_error)


def _next_delay(event: Event, error: BaseException, processor: Processor) -> float | None:
    """Seconds until the next attempt; None where there shall be none."""
    policy = processor.settings.retry
    if isinstance(error, PermanentFailure) or not policy.remaining(event.attempts):
        return None
    if isinstance(error, RetryAfter):
        return error.seconds
    return policy.backoff(event.attempts, processor.rng)


def _locked(session: Session, event_id: int) -> Event | None:
    """The event, locked until the transaction's end; SQLite's writers are alone anyway."""
    return session.scalar(
        select(Event)
        .where(Event.id == event_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    )


def _handled(session: Session, event: Event) -> HandledEvent:
    body = session.scalar(select(EventPayload.body).where(EventPayload.event_id == event.id))
    if body is None:
        raise PermanentFailure("The payload has expired, so there is nothing to hand to a handler.")
    return HandledEvent.of(event, body)


def _finish(session: Session, event_id: int, status: str, now: datetime) -> None:
    """Mark the event by a statement: a handler may have expunged or changed the object."""
    session.execute(
        update(Event)
        .where(Event.id == event_id)
        .values(status=status, processed_at=now, next_attempt_at=None, last_error=None)
        .execution_options(synchronize_session=False)
    )


def _end_attempt(
    session: Session,
    event_id: int,
    number: int,
    now: datetime,
    outcome: str,
    error: BaseException | None = None,
    message: str | None = None,
) -> None:
    session.execute(
        update(Attempt)
        # Only once: where a commit arrived although its connection broke, what it says stands.
        .where(Attempt.event_id == event_id, Attempt.number == number, Attempt.outcome.is_(None))
        .values(
            finished_at=now,
            outcome=outcome,
            error_type=type(error).__name__ if error else None,
            error_message=message,
        )
        .execution_options(synchronize_session=False)
    )
