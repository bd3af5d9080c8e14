"""dry_run(): the handlers run, what changed is read, and all is rolled back."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import NoReturn, Protocol

import structlog
from sqlalchemy import Connection, event, select
from sqlalchemy.orm import Session, SessionTransaction

from payments.database import is_disconnect, snapshot
from payments.dry_run.comparing import Observed, changes_of
from payments.dry_run.effects import DryEffects
from payments.dry_run.limits import Limit, TookTooLong, others_only_read, time_limit
from payments.dry_run.postgresql import (
    LOCK_NOT_AVAILABLE,
    LOCK_SECONDS,
    LOST_RACES,
    READ_ONLY_TRANSACTION,
    REPEATABLE_READ,
    PostgreSQL,
    sqlstate_of,
)
from payments.dry_run.result import (
    CHANGES,
    FAILS,
    IGNORED,
    NOTHING,
    PAYLOAD_EXPIRED,
    DryRun,
    TableChange,
    TableCount,
)
from payments.dry_run.sqlite import SQLite
from payments.errors import HandlerMisuse, NotFound
from payments.extensions import db, settings
from payments.handlers.registry import HandledEvent, Handler, handlers_for
from payments.models import Attempt, Effect, Event, EventPayload
from payments.observability.masking import Masker
from payments.observability.personal import forget, remember
from payments.pages import MAX_ID
from payments.processing import call_handlers, is_wanted

MOST_SHOWN = 500
# So often, while somebody else changes the same rows.
TRIES = 3
# What the service itself keeps of an event's processing; a dry run's subject is the rest.
OWN_TABLES = (Attempt.__tablename__, Effect.__tablename__)

LOST_RACE = "Others kept changing the same rows; the dry run may be tried again."
# Failures that a real attempt might not have.
ARTEFACTS = (
    (LOST_RACES, LOST_RACE),
    (
        (LOCK_NOT_AVAILABLE,),
        f"A row was locked for more than {LOCK_SECONDS} s; a real attempt waits longer.",
    ),
    (
        (READ_ONLY_TRANSACTION,),
        "In a dry run only the session that a handler is given may write.",
    ),
)
NOT_THEIRS_TO_END = "A handler must not end the transaction: neither commit nor roll back."
ENDED = "payments.dry_run.ended"
NO_TIME = "A dry run has less time than a real attempt, because it keeps others waiting."
NO_RESULT = (
    "Effects that were not done gave the handler None instead of a result, which may be why it "
    "failed."
)

log = structlog.get_logger(__name__)


class Database(Protocol):
    """One dry run's transaction, as the kind of database needs it."""

    handler_seconds: int

    def begin(self) -> None:
        """Prepare to see what changes."""

    def interrupt(self) -> None:
        """End a running statement; called by another thread."""

    def settle(self) -> None:
        """The handlers have ended: check what a COMMIT would check. What fails is theirs."""

    def is_refused_end(self, error: BaseException) -> bool:
        """Whether `error` is what a handler got for ending the transaction."""

    def observe(self) -> Observed:
        """The rows that changed."""


DATABASES: dict[str, Callable[[Connection, Masker], Database]] = {
    "postgresql": PostgreSQL,
    "sqlite": SQLite,
}


def dry_run(event_id: int) -> DryRun:
    """What the current handlers would change for the event with primary key `event_id`.

    Whatever a handler does is part of the result; a database that is away does raise. Holds the
    locks that the handlers take for at most some seconds, on SQLite the write lock.

    Raises:
        NotFound: there is no such event.
    """
    started = time.monotonic()
    handlers, wanted, handled = _what_to_call(event_id)
    if not wanted:
        result = DryRun(event_id=event_id, outcome=IGNORED)
    elif handled is None:
        result = DryRun(event_id=event_id, outcome=PAYLOAD_EXPIRED)
    else:
        result = _rehearse(handlers, handled, Masker(settings().secrets))
    log.info("dry run", id=event_id, outcome=result.outcome, error=result.error)
    return replace(result, duration_seconds=time.monotonic() - started)


def _what_to_call(event_id: int) -> tuple[list[Handler], bool, HandledEvent | None]:
    """The handlers, whether anybody wants the event at all, and what they are given of it."""
    with snapshot() as session:
        event = session.get(Event, event_id) if 0 < event_id <= MAX_ID else None
        if event is None:
            raise NotFound("There is no event with this id.")
        body = session.scalar(select(EventPayload.body).where(EventPayload.event_id == event_id))
        handlers = handlers_for(event.provider, event.event_type)
        handled = None if body is None else HandledEvent.of(event, body)
        return handlers, is_wanted(event, handlers), handled


def _rehearse(handlers: list[Handler], handled: HandledEvent, mask: Masker) -> DryRun:
    for _ in range(TRIES):
        with _scratch_session() as session:
            result = _rehearse_once(handlers, handled, session, mask)
        if LOST_RACE not in result.warnings:
            break
    return result


def _rehearse_once(
    handlers: list[Handler], handled: HandledEvent, session: Session, mask: Masker
) -> DryRun:
    connection = session.connection()
    database = DATABASES[connection.dialect.name](connection, mask)
    database.begin()
    effects = DryEffects(handled.id, session)
    ours, limit = session.get_transaction(), Limit()
    try:
        with time_limit(database.handler_seconds, database.interrupt, limit), others_only_read():
            meant_something = call_handlers(handlers, handled, session, effects)
            database.settle()
        if limit.reached:
            raise TookTooLong  # which a handler has caught
        if ENDED in session.info:
            raise HandlerMisuse
    except (Exception, SystemExit, TookTooLong) as error:
        if is_disconnect(error) and not limit.reached:
            raise
        if limit.reached:
            error = TookTooLong(f"The handlers took longer than {database.handler_seconds} s.")
        elif _is_ended(session, ours) or database.is_refused_end(error):
            error = HandlerMisuse(NOT_THEIRS_TO_END)
        return _failed(error, effects, handled, mask)
    if not meant_something:
        return DryRun(event_id=handled.id, outcome=IGNORED)
    return _changed(database.observe(), effects, handled.id)


def _is_ended(session: Session, ours: SessionTransaction | None) -> bool:
    return ENDED in session.info or session.get_transaction() is not ours


def _failed(
    error: BaseException, effects: DryEffects, handled: HandledEvent, mask: Masker
) -> DryRun:
    state = sqlstate_of(error)
    warnings = [why for states, why in ARTEFACTS if state in states]
    if isinstance(error, TookTooLong):
        warnings.append(NO_TIME)
    if effects.would_do:
        warnings.append(NO_RESULT)
    remember(handled.body)
    message = mask.error(error)
    forget()
    return DryRun(
        event_id=handled.id,
        outcome=FAILS,
        error=f"{type(error).__name__}: {message}",
        effects=effects.asked,
        warnings=tuple(warnings),
    )


def _changed(observed: Observed, effects: DryEffects, event_id: int) -> DryRun:
    changes: list[TableChange] = []
    counts = [count for count in observed.counts if count.table not in OWN_TABLES]
    for rows in sorted(observed.tables, key=lambda rows: rows.table):
        found = [change for change in changes_of(rows) if not _is_own(change, event_id)]
        if found:
            changes += found
            counts.append(_count(rows.table, found))
    warnings = list(observed.warnings)
    if len(changes) > MOST_SHOWN:
        warnings.append(f"Only {MOST_SHOWN} of {len(changes)} changed rows are shown.")
    happens = counts or observed.schema_changes or effects.would_do
    return DryRun(
        event_id=event_id,
        outcome=CHANGES if happens else NOTHING,
        changes=tuple(changes[:MOST_SHOWN]),
        counts=tuple(sorted(counts, key=lambda count: count.table)),
        effects=effects.asked,
        warnings=(*observed.schema_changes, *warnings),
    )


def _is_own(change: TableChange, event_id: int) -> bool:
    if change.table == Event.__tablename__:
        return change.key == {"id": event_id}
    return change.table in OWN_TABLES


def _count(table: str, changes: list[TableChange]) -> TableCount:
    kinds = Counter(change.kind for change in changes)
    return TableCount(
        table=table, inserts=kinds["insert"], updates=kinds["update"], deletes=kinds["delete"]
    )


@contextmanager
def _scratch_session() -> Iterator[Session]:
    """A session whose transaction is never committed, on a connection that is closed at the end."""
    connection = db.engine.connect()
    try:
        if connection.dialect.name == "postgresql":
            connection.execution_options(**REPEATABLE_READ)
        session = Session(connection, expire_on_commit=False)

        def refuse(_connection: Connection) -> NoReturn:
            session.info[ENDED] = True
            raise HandlerMisuse(NOT_THEIRS_TO_END)

        event.listen(connection, "commit", refuse)
        try:
            session.begin()
            yield session
        finally:
            _close(session)
    finally:
        # What a handler leaves behind in the connection goes with it.
        connection.invalidate()
        connection.close()


def _close(session: Session) -> None:
    try:
        session.close()
    except Exception as error:  # in a state that cannot be rolled back; losing its connection does
        log.warning("dry run's connection is lost", error=type(error).__name__)
