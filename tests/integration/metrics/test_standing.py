"""How things stand: gauges from indexes, and a page that answers whatever is away."""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from rq import SimpleWorker
from rq.serializers import JSONSerializer
from sqlalchemy import insert

from jobs.counts import count_events
from payments.extensions import db
from payments.handlers import PermanentFailure, handles
from payments.models import ReconciliationHour, ReconciliationRun, utc_now
from payments.queueing import job_queue
from payments.reconciliation.hours import HOUR, hour_of
from tests.support.application import Application, MakeApplication
from tests.support.metrics import Page
from tests.support.plans import scanned, statements, tidy
from tests.support.servers import Valkey, free_port
from tests.support.traffic import an_event, hour_of_events, keep

SOURCE = {"provider": "stripe", "account": "default"}
LARGE = {"events", "event_payloads", "attempts"}


def page_of(application: Application) -> Page:
    answer = application.client.get("/metrics")
    assert answer.status_code == 200
    return Page(answer.text)


def add(application: Application, model: type[Any], **values: Any) -> None:
    with application.app.app_context(), db.engine.begin() as connection:
        connection.execute(insert(model).values(values))


def test_events_that_have_not_ended_are_told_by_status_and_age(application: Application) -> None:
    now = utc_now()
    hour_ago, minute_ago = now - HOUR, now - timedelta(minutes=1)
    keep(
        application,
        [
            an_event(hour_ago, status="retrying", next_attempt_at=now + HOUR),
            an_event(minute_ago, status="received", next_attempt_at=minute_ago),
            an_event(now, status="received", next_attempt_at=now),
            *hour_of_events(hour_of(now) - HOUR, 3, status="dead"),
            an_event(now),
        ],
    )
    page = page_of(application)
    assert page.value("payments_unfinished_events", status="received") == 2
    assert page.value("payments_unfinished_events", status="retrying") == 1
    assert page.value("payments_dead_letters") == 3
    assert 3600 <= page.value("payments_oldest_unfinished_event_seconds") < 3660
    assert 60 <= page.value("payments_most_overdue_event_seconds") < 120
    latest = page.value("payments_last_event_timestamp_seconds", provider="stripe")
    assert latest == pytest.approx(now.timestamp(), abs=0.001)


def test_the_queue_and_its_workers_are_told(application: Application) -> None:
    application.deliver()
    application.deliver()
    page = page_of(application)
    assert page.value("payments_queue_jobs") == 2
    assert 0 < page.value("payments_queue_oldest_job_seconds") < 60
    assert page.value("payments_workers") == 0
    with application.app.app_context():
        connection = job_queue().connection
        worker = SimpleWorker([job_queue().queue], connection=connection, serializer=JSONSerializer)
        worker.register_birth()
    assert page_of(application).value("payments_workers") == 1


def test_an_event_that_waits_for_its_next_attempt_is_a_scheduled_job(
    make_application: MakeApplication,
) -> None:
    application = make_application(RETRY_BASE_SECONDS="3600", RETRY_CAP_SECONDS="3600")

    @handles("stripe", "*")
    def fail(event: object, session: object, effects: object) -> None:
        raise ConnectionError

    application.deliver()
    application.work()
    page = page_of(application)
    assert page.value("payments_scheduled_jobs") == 1
    assert page.value("payments_unfinished_events", status="retrying") == 1


def test_it_is_told_when_a_secret_and_a_job_were_last_used(application: Application) -> None:
    before = time.time()
    application.deliver().close()
    assert page_of(application).value("payments_task_last_success_timestamp_seconds") == 0
    with application.app.app_context():
        count_events()
    page = page_of(application)
    assert page.value("payments_secret_last_used_timestamp_seconds", **SOURCE) > before - 1
    assert page.value("payments_task_last_success_timestamp_seconds", task="count") > before
    assert page.value("payments_task_last_success_timestamp_seconds", task="recover") == 0


def test_what_the_counting_job_finds_unusual_is_told(application: Application) -> None:
    stuck = utc_now() - HOUR
    keep(application, [an_event(stuck, status="received", next_attempt_at=stuck)])
    with application.app.app_context():
        count_events()
    page = page_of(application)
    assert page.value("payments_anomalies", kind="stuck_events", **SOURCE) == 1
    assert page.value("payments_anomalies", kind="silent", **SOURCE) == 0
    assert "silent" in page.values_of("payments_anomalies", "kind")


def test_coverage_is_told_of_accounts_that_can_be_asked(make_application: MakeApplication) -> None:
    application = make_application(STRIPE_API_KEY="rk_test_51Hq8fGh2kLmNpQr")
    this_hour = hour_of(utc_now())
    for back in range(2, 25):
        state, missing = ("gaps", 7) if back == 5 else ("complete", 0)
        hour = this_hour - back * HOUR
        add(application, ReconciliationHour, hour=hour, state=state, missing=missing,
            theirs=9, ours=9 - missing, processed=0, checked_at=utc_now(), **SOURCE)  # fmt: skip
    ended = utc_now() - HOUR
    for status in ("complete", "incomplete"):
        add(application, ReconciliationRun, kind="events", status=status, dry_run=False,
            window_start=ended, window_end=ended, actor="schedule", started_at=ended,
            finished_at=ended if status == "complete" else utc_now(), **SOURCE)  # fmt: skip
    page = page_of(application)
    assert page.value("payments_reconciliation_missing_events", **SOURCE) == 7
    assert page.value("payments_reconciliation_hours", state="gaps", **SOURCE) == 1
    known = page.value("payments_reconciliation_hours", state="complete", **SOURCE)
    due = page.value("payments_reconciliation_hours", **SOURCE)
    coverage = page.value("payments_reconciliation_coverage_ratio", **SOURCE)
    assert coverage == pytest.approx(known / due)
    last = "payments_reconciliation_last_complete_timestamp_seconds"
    assert page.value(last, kind="events") == pytest.approx(ended.timestamp(), abs=0.001)
    assert page.value(last, kind="money") == 0
    assert page.values_of(last, "provider") == {"stripe"}  # there is no key for PayPal


def test_no_query_of_the_page_scans_the_events(application: Application) -> None:
    now = utc_now()
    for back in range(300):
        keep(application, hour_of_events(hour_of(now) - back * HOUR, 20, status="processed"))
    keep(application, hour_of_events(hour_of(now), 20, status="dead"))
    keep(application, hour_of_events(hour_of(now), 20, status="received", next_attempt_at=now))
    tidy(application)
    with statements(application) as sent:
        page = page_of(application)
    assert page.value("payments_dead_letters") == 20
    assert len(sent) >= 10
    for one in sent:
        assert scanned(application, [one]) & LARGE == set(), one


@pytest.fixture
def own_valkey() -> Iterator[Valkey]:
    valkey = Valkey(port=free_port())
    valkey.start()
    yield valkey
    valkey.close()


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGSTOP])
def test_the_page_answers_while_redis_is_away(
    make_application: MakeApplication, own_valkey: Valkey, how: signal.Signals
) -> None:
    application = make_application(patient=False, REDIS_URL=own_valkey.url)
    before = page_of(application)
    assert before.value("payments_dependency_up", dependency="redis") == 1
    own_valkey.signal(how)
    application.deliver()
    application.deliver()
    started = time.monotonic()
    page = page_of(application)
    assert time.monotonic() - started < 8
    assert page.value("payments_dependency_up", dependency="redis") == 0
    assert page.value("payments_dependency_up", dependency="database") == 1
    assert page.value("payments_unfinished_events", status="received") == 2
    assert page.since(before, "payments_enqueue_failures_total", provider="stripe") == 2
    assert page.value("payments_breakers_open", dependency="redis") == 1
    assert "payments_queue_jobs" not in {name for name, _ in page.samples}


def test_the_page_answers_while_the_database_is_away(
    make_application: MakeApplication, tmp_path: Any
) -> None:
    application = make_application(DATABASE_URL=f"sqlite:///{tmp_path}/no/such/folder/p.db")
    page = page_of(application)
    assert page.value("payments_dependency_up", dependency="database") == 0
    assert page.value("payments_dependency_up", dependency="redis") == 1
    assert page.value("payments_queue_jobs") == 0


def test_a_death_is_told_at_once(application: Application) -> None:
    @handles("stripe", "*")
    def refuse(event: object, session: object, effects: object) -> None:
        raise PermanentFailure("no")

    application.deliver()
    application.work()
    page = page_of(application)
    assert page.value("payments_dead_letters") == 1
    assert page.value("payments_failed_jobs") == 1
