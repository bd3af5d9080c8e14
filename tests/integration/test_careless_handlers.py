"""Handlers that leave things open, or say what they must not: the attempt ends, the worker goes on.

What a handler raises and returns otherwise: test_processing.py.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from payments.database import snapshot
from payments.handlers import handles
from tests.support.application import Application, MakeApplication
from tests.support.deliveries import STRIPE_SECRET

LeaveOpen = Callable[[Session], object]
# psycopg complains of a cursor that nobody closed, and these handlers close none.
pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")


@pytest.fixture
def notes(application: Application) -> Iterator[Callable[[], list[str]]]:
    """A table of the handlers' own, with two rows that are there to be read."""
    application.sql("CREATE TABLE notes (note VARCHAR(255))")
    application.sql("INSERT INTO notes VALUES ('a'), ('b')")
    yield lambda: sorted(note for (note,) in application.sql("SELECT note FROM notes"))
    application.sql("DROP TABLE notes")


def a_cursor(session: Session) -> object:
    cursor = session.connection().connection.cursor()
    cursor.execute("SELECT note FROM notes ORDER BY note")
    assert cursor.fetchone() == ("a",)
    return cursor


def a_result(session: Session) -> object:
    query = text("SELECT note FROM notes ORDER BY note")
    result = session.execute(query, execution_options={"stream_results": True})
    assert result.fetchone() == ("a",)
    return result


def two_savepoints(session: Session) -> object:
    return session.begin_nested(), session.begin_nested()


def a_savepoint_in_sql(session: Session) -> object:
    return session.execute(text("SAVEPOINT of_a_handler"))


def another_transaction(_session: Session) -> object:
    context = snapshot()
    another = context.__enter__()
    another.execute(text("SELECT note FROM notes")).fetchone()
    return context, another


each_thing = pytest.mark.parametrize(
    "leave_open",
    [a_cursor, a_result, two_savepoints, a_savepoint_in_sql, another_transaction],
    ids=lambda function: function.__name__,
)


def handle(leave_open: LeaveOpen, fail_first: bool = False) -> list[object]:
    """Handle all events so; returns what is left open, which nobody collects meanwhile."""
    left: list[object] = []

    @handles("stripe", "*")
    def careless(event: Any, session: Session, effects: Any) -> None:
        session.execute(text("INSERT INTO notes VALUES ('before')"))
        left.append(leave_open(session))
        session.execute(text("INSERT INTO notes VALUES ('after')"))
        if fail_first and len(left) == 1:
            raise ConnectionError("away")

    return left


def close(left: list[object]) -> None:
    for context, _session in filter(lambda it: isinstance(it, tuple), left):  # type: ignore[misc]
        if hasattr(context, "__exit__"):
            context.__exit__(None, None, None)


@each_thing
def test_what_a_handler_leaves_open_is_closed_with_its_transaction_and_others_go_on(
    application: Application,
    make_application: MakeApplication,
    notes: Callable[[], list[str]],
    leave_open: LeaveOpen,
) -> None:
    web = make_application()
    left = handle(leave_open)
    try:
        for count in (1, 2):
            assert web.deliver().status_code == 200
            application.work()
            assert notes() == ["a", *["after"] * count, "b", *["before"] * count]
        assert {event["status"] for event in web.events()} == {"processed"}
        assert [len(web.event(id)["history"]) for id in (1, 2)] == [1, 1]
    finally:
        close(left)


@each_thing
def test_where_the_handler_then_fails_nothing_of_it_is_kept_and_the_next_attempt_is_whole(
    application: Application, notes: Callable[[], list[str]], leave_open: LeaveOpen
) -> None:
    left = handle(leave_open, fail_first=True)
    try:
        application.deliver()
        application.work()
        assert notes() == ["a", "after", "b", "before"]
        history = application.event(1)["history"]
        assert [attempt["outcome"] for attempt in history] == ["failed", "processed"]
        assert history[0]["error_message"] == "away"
    finally:
        close(left)


def test_a_secret_in_an_exception_or_in_its_cause_reaches_neither_row_nor_job_nor_log(
    make_application: MakeApplication, capfd: pytest.CaptureFixture[str]
) -> None:
    application = make_application(RETRY_MAX_ATTEMPTS="2")
    attempts = itertools.count(1)

    @handles("stripe", "*")
    def leaky(event: Any, *_: Any) -> None:
        try:
            raise KeyError(f"{STRIPE_SECRET} of jenny@example.com")
        except KeyError as error:
            if next(attempts) == 1:
                raise RuntimeError(f"cannot charge 4242 4242 4242 4242: {error}") from error
            raise SystemExit(f"giving up on {STRIPE_SECRET}") from error

    application.deliver()
    application.work()
    assert application.event(1)["status"] == "dead"
    assert [it["error_type"] for it in application.event(1)["history"]] == [
        "RuntimeError",
        "SystemExit",
    ]
    connection = application.queue.connection
    redis = b"".join(connection.dump(key) for key in connection.scan_iter())
    kept = repr((application.event(1), application.sql("SELECT * FROM attempts"), redis))
    said = capfd.readouterr()
    assert "giving up on" in kept
    for place in (kept, said.out, said.err):
        for leaked in (STRIPE_SECRET, "4242", "jenny"):
            assert leaked not in place
