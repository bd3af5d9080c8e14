"""Dead letters that are retried or given up, with what becomes of them."""

from __future__ import annotations

import itertools

from payments.actions import RETRY
from payments.operations import Actor, operate
from tests.integration.operations.dead_letters import Warehouse, kill, status_of
from tests.support.application import Application, MakeApplication
from tests.support.servers import free_port


def test_a_retried_dead_letter_gets_a_full_new_budget_and_keeps_its_history(
    application: Application, warehouse: Warehouse
) -> None:
    [id] = kill(application)
    result = application.cli("dlq", "retry", str(id), "--reason", "warehouse restarted")
    assert result.exit_code == 0, result.output
    assert "1 retried, 0 skipped, 0 left." in result.stdout
    application.work()
    event = application.event(id)
    assert (event["status"], event["attempts"]) == ("dead", 2)
    assert [attempt["number"] for attempt in event["history"]] == [1, 2, 3, 4]
    assert len(application.failed_jobs()) == 1
    warehouse.broken = False
    application.cli("dlq", "retry", str(id))
    application.work()
    event = application.event(id)
    assert (event["status"], event["attempts"]) == ("processed", 1)
    assert application.failed_jobs() == []
    assert [(it["action"], it["outcome"], it["reason"]) for it in event["audit"]] == [
        ("dlq.retry", "done", "warehouse restarted"),
        ("dlq.retry", "done", None),
    ]
    assert event["audit"][0]["actor"].startswith("cli")


def test_running_it_twice_does_nothing_the_second_time(
    application: Application, warehouse: Warehouse
) -> None:
    [id] = kill(application)
    warehouse.broken = False
    application.cli("dlq", "retry", str(id))
    again = application.cli("dlq", "retry", str(id))
    assert "skipped: it is received, not dead" in again.stdout
    application.work()
    assert warehouse.calls == 3


def test_an_interrupted_run_has_done_what_it_did_and_the_next_does_the_rest(
    application: Application, warehouse: Warehouse
) -> None:
    ids = kill(application, 4)
    with application.app.app_context():
        results = operate(RETRY, ids, Actor(name="test"), application.queue)
        for _ in itertools.islice(results, 2):
            pass
        results.close()  # type: ignore[attr-defined]
    assert len(application.events(status="dead")) == 2
    result = application.cli("dlq", "retry", "--all", "--yes", "--rate", "1000")
    assert "2 retried, 0 skipped, 0 left." in result.stdout


def test_a_discarded_dead_letter_is_given_up_with_its_reason(
    application: Application, warehouse: Warehouse
) -> None:
    [id] = kill(application)
    result = application.cli("dlq", "discard", str(id), "--reason", "a test order")
    assert result.exit_code == 0, result.output
    event = application.event(id)
    assert (event["status"], event["next_attempt_at"]) == ("discarded", None)
    assert event["audit"][-1]["reason"] == "a test order"
    assert application.failed_jobs() == []
    application.work()
    assert status_of(application, id) == "discarded"


def test_an_operation_while_redis_is_away_is_kept_and_left_to_recovery(
    application: Application, make_application: MakeApplication, warehouse: Warehouse
) -> None:
    [id] = kill(application)
    blind = make_application(REDIS_URL=f"redis://127.0.0.1:{free_port()}/0")
    result = blind.cli("dlq", "retry", str(id))
    assert result.exit_code == 0, result.output
    assert status_of(application, id) == "received"
    assert len(application.failed_jobs()) == 1
