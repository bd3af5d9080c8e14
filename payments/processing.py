"""Turning an event into its effect, exactly once.

Three commits, so that whatever dies in between is known:
1. begin: the attempt is written down before the handlers run;
2. run: the row is locked, the payment is brought up to date, the handlers run, and their writes,
   the mark and the attempt's end are one transaction;
3. fail: where 2 was rolled back, the reason and the time of the next attempt.
"""

from __future__ import annotations

import time
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from datetime import timedelta

import structlog
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from payments.attempt_line import attempt_line
from payments.attempted import Attempted
from payments.attempts import (
    Outcome,
    Processor,
    begin,
    end_attempt,
    is_lost,
    locked,
    locked_now,
)
from payments.database import DATABASE_AWAY, server_now, transaction
from payments.errors import HandlerMisuse, LostRace, PermanentFailure, RetryAfter
from payments.failure_groups import note_failure
from payments.handlers.effects import Effects
from payments.handlers.payments import project_event
from payments.handlers.registry import HandledEvent, Handler, handlers_for
from payments.handlers.transaction_guard import transaction_guard
from payments.models import (
    DEAD,
    IGNORED,
    PROCESSED,
    RETRYING,
    Event,
    EventPayload,
)
from payments.observability.personal import remember
from payments.observability.tracing import step
from payments.projection.reading import is_read
from payments.unwritten import End, keep, write_kept

SUPERSEDED = "superseded"
# Between the tries to write a failure down. A restart of PostgreSQL takes a second or two.
AGAIN_AFTER_SECONDS = (0.2, 1.0)

log = structlog.get_logger(__name__)


def process(event_id: int, processor: Processor) -> Outcome:
    """One attempt at the event with primary key `event_id`.

    Never raises for what a handler does; a database that is away does raise, and leaves the event
    to recovery.
    """
    write_kept()
    started = time.perf_counter()
    attempt = begin(event_id, processor)
    if isinstance(attempt, Outcome):
        return attempt
    effects: list[Effects] = []
    with attempt_line(attempt) as line:
        try:
            outcome = _run_until_undisturbed(event_id, attempt.number, processor, effects)
        except BaseException as error:
            # Also SystemExit: a handler's sys.exit() is its failure, not the worker's end.
            outcome = _fail_patiently(event_id, attempt.number, error, processor, effects)
        line.write(outcome)
    if outcome.attempted and outcome.ended:
        seconds = time.perf_counter() - started
        outcome.attempted.ended(outcome.ended, outcome.status, seconds)
    return outcome


def _run_until_undisturbed(
    event_id: int, number: int, processor: Processor, ledgers: list[Effects]
) -> Outcome:
    """Begin the transaction anew while others join the payments of this event with further ones.

    No handler has run by then. Each time somebody else has made one payment of several, so it ends.
    """
    while True:
        try:
            return _run(event_id, number, processor, ledgers)
        except LostRace:
            log.info("attempt begins anew", id=event_id, number=number)


def _run(event_id: int, number: int, processor: Processor, ledgers: list[Effects]) -> Outcome:
    """The handlers' writes, the mark and the attempt's end, in one transaction."""
    with transaction() as session:
        event = locked(session, event_id)
        if event is None or is_lost(session, event, number):
            # Another job was faster between our two transactions.
            end_attempt(session, event_id, number, SUPERSEDED)
            return _superseded(event, number)
        attempted = Attempted.of(event)
        handlers = handlers_for(event.provider, event.event_type)
        effects = Effects(event_id, session)
        ledgers.append(effects)
        meant_something = False
        if is_wanted(event, handlers):
            handled = _handled(session, event)
            with _effects_noted(session, effects):
                meant_something = call_handlers(handlers, handled, session, effects)
        status = PROCESSED if meant_something else IGNORED
        effects.note_pending(session)
        _finish(session, event_id, status)
        end_attempt(session, event_id, number, status)
    return Outcome(status=status, number=number, ended=status, attempted=attempted)


def _superseded(event: Event | None, number: int) -> Outcome:
    status = event.status if event else "unknown"
    return Outcome(status=status, number=number, ended=SUPERSEDED)


def is_wanted(event: Event, handlers: Collection[Handler]) -> bool:
    """Whether anybody would look into the event; if not, it needs no payload to be ignored."""
    return bool(handlers) or is_read(event.provider, event.event_type)


@contextmanager
def _effects_noted(session: Session, effects: Effects) -> Iterator[None]:
    """When a handler fails, note what it did outside before the write lock is given up.

    On SQLite that lock keeps two events with one effect apart. Were the note made after the
    rollback, the other one would find none in between, and do the effect again.
    """
    if effects.can_note_at_once:
        yield
        return
    root, writes = session.get_transaction(), session.begin_nested()
    try:
        yield
    except HandlerMisuse:
        raise  # the savepoint may be gone, and the lock with it
    except BaseException:
        if session.get_transaction() is root:  # else a handler has rolled back, the lock is gone
            writes.rollback()
            effects.note_pending(session)
            session.commit()
        raise
    writes.commit()


def call_handlers(
    handlers: list[Handler], handled: HandledEvent, session: Session, effects: Effects
) -> bool:
    """Bring the payment up to date, then call `handlers`; also a dry run does it so.

    All in the session's transaction, which stays open.

    Returns: whether the event meant something to any of them.

    Raises:
        HandlerMisuse: a handler ended the transaction, or tried to.
        LostRace: nothing was done yet, and the transaction has to begin anew.
    """
    is_about_a_payment = project_event(handled, session)
    with transaction_guard(session):
        for handler in handlers:
            with step(f"handler {handler.__module__}.{handler.__qualname__}"):
                handler(handled, session, effects)
    # What the handlers left unwritten fails here, as theirs, and not at our commit.
    session.flush()
    return is_about_a_payment or bool(handlers)


def _fail_patiently(
    event_id: int,
    number: int,
    error: BaseException,
    processor: Processor,
    ledgers: list[Effects],
) -> Outcome:
    """Note the failure, once more where a connection broke; or keep it until the database is back.

    Raises:
        OperationalError, TimeoutError: the database is away.
    """
    for delay in AGAIN_AFTER_SECONDS:
        try:
            return _fail(event_id, number, error, processor, ledgers)
        except DATABASE_AWAY:
            time.sleep(delay)
    try:
        return _fail(event_id, number, error, processor, ledgers)
    except DATABASE_AWAY:
        message = processor.mask.error(error)
        outcome = _outcome_of(error, processor)
        end = End(outcome=outcome, error_type=type(error).__name__, message=message)
        keep(event_id, number, end)
        raise


def _outcome_of(error: BaseException, processor: Processor) -> str:
    return "timeout" if isinstance(error, processor.timeout_errors) else "failed"


def _fail(
    event_id: int,
    number: int,
    error: BaseException,
    processor: Processor,
    ledgers: list[Effects],
) -> Outcome:
    """The handlers' writes are rolled back; write down why, and when to try again."""
    message = processor.mask.error(error)
    outcome = _outcome_of(error, processor)
    with transaction() as session:
        event, now = locked_now(session, event_id)
        if event is None or is_lost(session, event, number):
            end_attempt(session, event_id, number, SUPERSEDED, error, message)
            return _superseded(event, number)
        attempted = Attempted.of(event)
        for effects in ledgers:
            effects.note_pending(session)
        retry_in = _next_delay(event, error, processor)
        event.status = DEAD if retry_in is None else RETRYING
        event.next_attempt_at = None if retry_in is None else now + timedelta(seconds=retry_in)
        event.last_error = f"{type(error).__name__}: {message}"
        status, last_error = event.status, event.last_error
        group = note_failure(
            session, event, error, processor.mask, now, timed_out=outcome == "timeout"
        )
        end_attempt(session, event_id, number, outcome, error, message, group)
    return Outcome(
        status=status,
        number=number,
        ended=outcome,
        retry_in_seconds=retry_in,
        error=last_error,
        attempted=attempted,
    )


def _next_delay(event: Event, error: BaseException, processor: Processor) -> float | None:
    """Seconds until the next attempt; None where there shall be none."""
    policy = processor.settings.retry
    if isinstance(error, PermanentFailure) or not policy.remaining(event.attempts):
        return None
    if isinstance(error, RetryAfter):
        return error.seconds
    return policy.backoff(event.attempts, processor.rng)


def _handled(session: Session, event: Event) -> HandledEvent:
    body = session.scalar(select(EventPayload.body).where(EventPayload.event_id == event.id))
    if body is None:
        raise PermanentFailure("The payload has expired, so there is nothing left to read.")
    remember(body)
    return HandledEvent.of(event, body)


def _finish(session: Session, event_id: int, status: str) -> None:
    """Mark the event by a statement: a handler may have expunged or changed the object."""
    session.execute(
        update(Event)
        .where(Event.id == event_id)
        .values(
            status=status,
            processed_at=server_now(session),
            next_attempt_at=None,
            last_error=None,
            failure_group_id=None,
        )
        .execution_options(synchronize_session=False)
    )
