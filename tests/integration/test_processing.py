"""From a kept event to its effect, exactly once: handlers, failures, retries, dead letters."""

from __future__ import annotations

import itertools
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.exc import InvalidRequestError

from payments.handlers import PermanentFailure, RetryAfter, handles
from tests.support.application import Application, MakeApplication
from tests.support.deliveries import paypal_event, stripe_event


@pytest.fixture
def ledger(application: Application) -> Any:
    """A table of the handlers' own, in the service's database."""
    application.sql("CREATE TABLE IF NOT EXISTS ledger (event_id VARCHAR(255), note VARCHAR(255))")
    yield lambda: application.sql("SELECT event_id, note FROM ledger")
    application.sql("DROP TABLE ledger")


def write(session: Any, event: Any, note: str = "") -> None:
    session.execute(
        text("INSERT INTO ledger VALUES (:event_id, :note)"),
        {"event_id": event.event_id, "note": note},
    )


def only_event(application: Application) -> dict[str, Any]:
    [listed] = application.events()
    return application.event(listed["id"])


def test_a_handlers_writes_and_the_mark_are_committed_together(
    application: Application, ledger: Any
) -> None:
    @handles("stripe", "payment_intent.succeeded")
    def fulfil(event: Any, session: Any, effects: Any) -> None:
        write(session, event, event.data["data"]["object"]["id"])

    event = stripe_event()
    application.deliver(event)
    application.work()
    assert ledger() == [(event["id"], event["data"]["object"]["id"])]
    shown = only_event(application)
    assert (shown["status"], shown["attempts"], shown["next_attempt_at"]) == ("processed", 1, None)
    assert shown["processed_at"] is not None
    [attempt] = shown["history"]
    assert attempt["outcome"] == "processed"
    assert attempt["finished_at"] >= attempt["started_at"]
    assert attempt["worker"]


def test_a_handler_sees_the_event_and_its_raw_body(application: Application) -> None:
    seen: list[Any] = []

    @handles("paypal", "PAYMENT.*")
    def look(event: Any, session: Any, effects: Any) -> None:
        seen.append(event)

    sent = paypal_event()
    application.deliver(sent, provider="paypal")
    application.work()
    [event] = seen
    assert (event.provider, event.account, event.event_id) == ("paypal", "default", sent["id"])
    assert event.data == sent
    assert event.object_id == sent["resource"]["id"]


def test_an_event_that_nobody_handles_is_ignored(application: Application) -> None:
    @handles("stripe", "charge.*")
    def other(*_: Any) -> None:
        raise AssertionError("not for this type")

    application.deliver(stripe_event("customer.created"))
    application.work()
    shown = only_event(application)
    assert shown["status"] == "ignored"
    assert [attempt["outcome"] for attempt in shown["history"]] == ["ignored"]


def test_patterns_choose_the_handlers_and_each_is_called_once_in_order(
    application: Application,
) -> None:
    called = []

    @handles("*", "*")
    def everything(*_: Any) -> None:
        called.append("everything")

    @handles("stripe", "charge.*")
    @handles("stripe", "charge.refunded")
    def charges(*_: Any) -> None:
        called.append("charges")

    @handles("stripe", "charge")
    @handles("paypal*", "*")
    def others(*_: Any) -> None:
        called.append("others")

    application.deliver(stripe_event("charge.refunded"))
    application.work()
    assert called == ["everything", "charges"]


def test_a_failing_handler_leaves_no_write_and_is_retried_until_it_succeeds(
    application: Application, ledger: Any
) -> None:
    attempts = itertools.count(1)

    @handles("stripe", "*")
    def flaky(event: Any, session: Any, effects: Any) -> None:
        number = next(attempts)
        write(session, event, f"attempt {number}")
        if number < 3:
            raise ConnectionError("the warehouse does not answer")

    application.deliver()
    application.work()
    assert [note for _, note in ledger()] == ["attempt 3"]
    shown = only_event(application)
    assert (shown["status"], shown["attempts"], shown["last_error"]) == ("processed", 3, None)
    assert [attempt["outcome"] for attempt in shown["history"]] == ["failed", "failed", "processed"]
    assert shown["history"][0]["error_type"] == "ConnectionError"
    assert shown["history"][0]["error_message"] == "the warehouse does not answer"
    assert application.failed_jobs() == []


def test_between_two_attempts_the_row_says_when_the_next_one_is(
    make_application: MakeApplication,
) -> None:
    application = make_application(RETRY_BASE_SECONDS="1000", RETRY_CAP_SECONDS="1000")

    @handles("stripe", "*")
    def broken(*_: Any) -> None:
        raise ConnectionError("away")

    application.deliver()
    application.work()
    shown = only_event(application)
    assert shown["status"] == "retrying"
    assert shown["last_error"] == "ConnectionError: away"
    assert shown["next_attempt_at"] > shown["received_at"]
    assert application.queue.queue.scheduled_job_registry.count == 1


def test_after_the_last_attempt_the_event_is_dead_and_its_job_is_in_the_failed_registry(
    make_application: MakeApplication,
) -> None:
    application = make_application(RETRY_MAX_ATTEMPTS="3")

    @handles("stripe", "*")
    def broken(*_: Any) -> None:
        raise ConnectionError("away")

    application.deliver()
    application.work()
    shown = only_event(application)
    assert (shown["status"], shown["attempts"], shown["next_attempt_at"]) == ("dead", 3, None)
    [job_id] = application.failed_jobs()
    assert job_id.startswith(f"event-{shown['id']}-")


def test_with_dlq_backend_db_a_dead_event_has_its_row_alone(
    make_application: MakeApplication,
) -> None:
    application = make_application(RETRY_MAX_ATTEMPTS="2", DLQ_BACKEND="db")

    @handles("stripe", "*")
    def broken(*_: Any) -> None:
        raise ConnectionError("away")

    application.deliver()
    application.work()
    assert only_event(application)["status"] == "dead"
    assert application.failed_jobs() == []


def test_a_permanent_failure_goes_straight_to_dead(application: Application) -> None:
    @handles("stripe", "*")
    def hopeless(*_: Any) -> None:
        raise PermanentFailure("no such order")

    application.deliver()
    application.work()
    shown = only_event(application)
    assert (shown["status"], shown["attempts"]) == ("dead", 1)
    assert shown["last_error"] == "PermanentFailure: no such order"
    assert len(application.failed_jobs()) == 1


def test_a_handler_may_say_when_it_wants_to_be_called_again(application: Application) -> None:
    @handles("stripe", "*")
    def busy(*_: Any) -> None:
        raise RetryAfter(3600)

    application.deliver()
    application.work()
    shown = only_event(application)
    assert shown["status"] == "retrying"
    assert shown["next_attempt_at"][:13] > shown["received_at"][:13]


@pytest.mark.parametrize(
    ("misbehave", "reason"),
    [
        (lambda session: session.commit(), "HandlerMisuse: A handler must not commit"),
        (lambda session: session.rollback(), "HandlerMisuse: A handler must not roll back"),
        (lambda session: session.connection().commit(), "HandlerMisuse: A handler must not commit"),
        (lambda session: session.execute(text("COMMIT")), "HandlerMisuse: A handler must not end"),
        (lambda session: session.execute(text("/* */ rollback;")), "HandlerMisuse: A handler must"),
    ],
)
def test_a_handler_that_ends_the_transaction_fails_and_leaves_no_write(
    application: Application, ledger: Any, misbehave: Any, reason: str
) -> None:
    @handles("stripe", "*")
    def careless(event: Any, session: Any, effects: Any) -> None:
        write(session, event)
        misbehave(session)

    application.deliver()
    application.work()
    shown = only_event(application)
    assert shown["status"] == "dead"
    assert shown["last_error"].startswith(reason)
    assert ledger() == []


def test_a_commit_on_the_drivers_own_connection_is_noticed(
    application: Application, ledger: Any
) -> None:
    @handles("stripe", "*")
    def careless(event: Any, session: Any, effects: Any) -> None:
        session.connection().connection.driver_connection.commit()

    application.deliver()
    application.work()
    shown = only_event(application)
    assert shown["status"] == "dead"
    assert shown["last_error"].startswith("HandlerMisuse: A handler must not end")


def test_a_handler_may_use_savepoints(application: Application, ledger: Any) -> None:
    @handles("stripe", "*")
    def careful(event: Any, session: Any, effects: Any) -> None:
        write(session, event, "kept")
        given_up = session.begin_nested()
        write(session, event, "given up")
        given_up.rollback()
        with session.begin_nested():
            write(session, event, "nested")

    application.deliver()
    application.work()
    assert sorted(note for _, note in ledger()) == ["kept", "nested"]


def test_a_handler_that_breaks_a_constraint_or_the_session_fails_and_is_retried(
    application: Application, ledger: Any
) -> None:
    attempts = itertools.count(1)

    @handles("stripe", "*")
    def broken(event: Any, session: Any, effects: Any) -> None:
        if next(attempts) == 1:
            session.execute(text("INSERT INTO no_such_table VALUES (1)"))
        session.begin_nested()  # left open
        write(session, event)

    application.deliver()
    application.work()
    shown = only_event(application)
    assert [attempt["outcome"] for attempt in shown["history"]] == ["failed", "processed"]
    assert len(ledger()) == 1


@pytest.mark.parametrize("error", [SystemExit(3), MemoryError(), InvalidRequestError("x")])
def test_whatever_a_handler_raises_is_a_failed_attempt_and_not_the_workers_end(
    make_application: MakeApplication, error: BaseException
) -> None:
    application = make_application(RETRY_MAX_ATTEMPTS="1")

    @handles("stripe", "*")
    def broken(*_: Any) -> None:
        raise error

    application.deliver()
    application.deliver()
    application.work()
    assert [event["status"] for event in application.events()] == ["dead", "dead"]


def test_what_a_handler_returns_does_not_matter(application: Application) -> None:
    @handles("stripe", "*")
    def garbage(*_: Any) -> object:
        return object()

    application.deliver()
    application.work()
    assert only_event(application)["status"] == "processed"


def test_secrets_and_people_are_masked_in_what_is_kept_of_an_error(
    make_application: MakeApplication,
) -> None:
    application = make_application(RETRY_MAX_ATTEMPTS="1")
    secret = "whsec_Ab12Cd34Ef56Gh78Ij90Kl12"

    @handles("stripe", "*")
    def leaky(*_: Any) -> None:
        raise ValueError(f"{secret} 4242 4242 4242 4242 jenny@example.com\x00 pg://u:pw@host/db")

    application.deliver()
    application.work()
    shown = only_event(application)
    for kept in (shown["last_error"], shown["history"][0]["error_message"]):
        for leaked in (secret, "4242", "jenny", "pw@"):
            assert leaked not in kept
    registry = application.queue.queue.failed_job_registry
    job = application.queue.queue.fetch_job(registry.get_job_ids()[0])
    assert job is not None
    result = job.latest_result()
    assert result is not None
    assert "AttemptFailed" in str(result.exc_string)
    assert secret not in str(result.exc_string)


@pytest.mark.parametrize(
    "make",
    [
        lambda: handles("stripe", ""),
        lambda: handles("", "charge.*"),
        lambda: handles("stripe", "charge refunded"),
    ],
)
def test_a_registration_that_could_never_match_is_refused(make: Any) -> None:
    with pytest.raises(ValueError, match="@handles wants a provider and a type"):
        make()


def test_a_function_that_does_nothing_when_called_is_refused() -> None:
    async def asynchronous(*_: Any) -> None: ...

    def generator(*_: Any) -> Any:
        yield

    for function in (asynchronous, generator):
        with pytest.raises(ValueError, match="must be a plain function"):
            handles("stripe", "*")(function)


def test_registering_the_same_function_twice_is_refused() -> None:
    def handler(*_: Any) -> None: ...

    handles("stripe", "*")(handler)
    with pytest.raises(ValueError, match="is registered twice"):
        handles("stripe", "*")(handler)


def test_an_effect_outside_is_done_once_across_retries(application: Application) -> None:
    attempts = itertools.count(1)
    sent: list[str] = []
    results: list[Any] = []

    def send(key: str) -> dict[str, int]:
        sent.append(key)
        return {"message": len(sent)}

    @handles("stripe", "*")
    def receipt(event: Any, session: Any, effects: Any) -> None:
        for _ in range(2):
            results.append(effects.once("email:receipt:pi_1", send))
        if next(attempts) == 1:
            raise ConnectionError("after the mail was sent")

    application.deliver()
    application.work()
    assert only_event(application)["status"] == "processed"
    assert sent == ["email:receipt:pi_1"]
    assert results == [{"message": 1}] * 4
    assert application.sql("SELECT key, result FROM effects") == [
        ("email:receipt:pi_1", '{"message": 1}')
    ]


def test_an_effect_whose_result_cannot_be_kept_is_not_done_again(
    application: Application,
) -> None:
    sent: list[str] = []

    @handles("stripe", "*")
    def receipt(event: Any, session: Any, effects: Any) -> None:
        effects.once("key", lambda key: sent.append(key) or object())

    application.deliver()
    application.work()
    shown = only_event(application)
    assert [attempt["error_type"] for attempt in shown["history"]] == ["TypeError", None]
    assert sent == ["key"]


@pytest.mark.parametrize("seconds", [0, -1, float("inf"), float("nan"), 1e13])
def test_a_time_that_makes_no_sense_is_refused_where_it_is_asked_for(seconds: float) -> None:
    with pytest.raises(ValueError, match="RetryAfter wants"):
        RetryAfter(seconds)


@pytest.mark.parametrize("error", [KeyboardInterrupt(), GeneratorExit()])
def test_no_exception_of_a_handler_leaves_its_attempt_open(
    make_application: MakeApplication, error: BaseException
) -> None:
    application = make_application(RETRY_MAX_ATTEMPTS="1")

    @handles("stripe", "*")
    def broken(*_: Any) -> None:
        raise error

    application.deliver()
    application.work()
    assert [attempt["outcome"] for attempt in only_event(application)["history"]] == ["failed"]


def test_an_effect_with_a_result_that_has_no_end_is_not_done_again(
    application: Application,
) -> None:
    sent: list[str] = []
    endless: list[Any] = []
    endless.append(endless)

    @handles("stripe", "*")
    def receipt(event: Any, session: Any, effects: Any) -> None:
        effects.once("key", lambda key: sent.append(key) or endless)

    application.deliver()
    application.work()
    assert sent == ["key"]
