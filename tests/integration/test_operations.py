"""What an operator does to dead letters and events, by command line and by API."""

from __future__ import annotations

import itertools
import json
import threading
from typing import Any

import pytest
from sqlalchemy import text

from payments.handlers import handles
from payments.operations import Actor, retry
from tests.support.application import Application, MakeApplication
from tests.support.deliveries import ADMIN_TOKEN, stripe_event
from tests.support.servers import free_port


class Warehouse:
    """A handler whose dependency can be broken and mended."""

    def __init__(self) -> None:
        self.broken = True
        self.calls = 0

        @handles("stripe", "*")
        def fulfil(*_: Any) -> None:
            self.calls += 1
            if self.broken:
                raise ConnectionError("the warehouse does not answer")


@pytest.fixture
def warehouse() -> Warehouse:
    return Warehouse()


@pytest.fixture
def application(make_application: MakeApplication) -> Application:
    return make_application(RETRY_MAX_ATTEMPTS="2")


def kill(
    application: Application, count: int = 1, event_type: str = "charge.refunded"
) -> list[int]:
    """Deliver `count` events and let them die; returns their primary keys, oldest first."""
    before = {event["id"] for event in application.events(limit=500)}
    for _ in range(count):
        application.deliver(stripe_event(event_type))
    application.work()
    listed = application.events(limit=500, status="dead")
    return sorted(event["id"] for event in listed if event["id"] not in before)


def post(application: Application, path: str, body: Any = None, token: str = ADMIN_TOKEN) -> Any:
    headers = {"Authorization": f"Bearer {token}"}
    return application.client.post(f"/admin{path}", json=body, headers=headers)


def status_of(application: Application, id: int) -> str:
    return str(application.event(id)["status"])


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


def test_a_filter_chooses_and_a_dry_run_only_counts(
    application: Application, warehouse: Warehouse
) -> None:
    kill(application, 3, "charge.refunded")
    kill(application, 2, "payout.failed")
    filters = ["--type", "charge.*", "--error", "warehouse", "--provider", "stripe"]
    preview = application.cli("dlq", "retry", *filters, "--dry-run")
    assert "3 events would be retried." in preview.stdout
    assert len(application.events(status="dead")) == 5
    done = application.cli("dlq", "retry", *filters, "--yes", "--json", "--rate", "1000")
    assert [result["done"] for result in json.loads(done.stdout)] == [True] * 3
    assert {event["event_type"] for event in application.events(status="dead")} == {"payout.failed"}


def test_nothing_is_done_without_a_yes(application: Application, warehouse: Warehouse) -> None:
    kill(application, 2)
    result = application.app.test_cli_runner().invoke(args=["dlq", "retry", "--all"], input="n\n")
    assert result.exit_code == 1
    assert len(application.events(status="dead")) == 2


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["retry"], "Give ids or a filter; --all"),
        (["retry", "1", "--type", "x"], "not both"),
        (["retry", "1", "--all"], "not both"),
        (["retry", "--since", "yesterday"], "ISO 8601"),
        (["retry", "--rate", "0", "1"], "rate"),
        (["discard", "1"], "--reason"),
        (["discard", "1", "--reason", "  "], "--reason"),
        (["retry", "0"], "1<=x"),
    ],
)
def test_an_unclear_order_is_refused_with_what_is_missing(
    application: Application, arguments: list[str], complaint: str
) -> None:
    result = application.cli("dlq", *arguments)
    assert result.exit_code == 2
    assert complaint in result.stderr


def test_a_filter_that_matches_nothing_says_so(application: Application) -> None:
    result = application.cli("dlq", "retry", "--type", "no.such", "--yes")
    assert (result.exit_code, result.stdout) == (0, "Nothing matches.\n")


def test_an_id_that_does_not_exist_is_named_and_the_others_are_done(
    application: Application, warehouse: Warehouse
) -> None:
    [id] = kill(application)
    result = application.cli("dlq", "retry", str(id), "999999")
    assert result.exit_code == 1
    assert "1 retried, 1 skipped" in result.stdout
    assert "999999: there is no such event" in result.stdout


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
        results = retry(ids, Actor(name="test"), application.queue)
        for _ in itertools.islice(results, 2):
            pass
        results.close()  # type: ignore[attr-defined]
    assert len(application.events(status="dead")) == 2
    result = application.cli("dlq", "retry", "--all", "--yes", "--rate", "1000")
    assert "2 retried, 0 skipped, 0 left." in result.stdout


def test_two_operators_who_retry_the_same_event_at_once_start_it_once(
    application: Application, warehouse: Warehouse
) -> None:
    [id] = kill(application)
    start = threading.Barrier(2)
    done: list[bool] = []

    def operate() -> None:
        with application.app.app_context():
            start.wait()
            done.extend(it.done for it in retry([id], Actor(name="x"), application.queue))

    threads = [threading.Thread(target=operate) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(done) == [False, True]
    assert len(application.event(id)["audit"]) == 2


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


def test_a_processed_event_can_be_replayed_with_the_handlers_of_today(
    application: Application, warehouse: Warehouse
) -> None:
    warehouse.broken = False
    application.deliver()
    application.work()
    [event] = application.events()
    result = application.cli("events", "replay", str(event["id"]), "--reason", "new handler")
    assert result.exit_code == 0, result.output
    application.work()
    shown = application.event(event["id"])
    assert (shown["status"], warehouse.calls) == ("processed", 2)
    assert [attempt["outcome"] for attempt in shown["history"]] == ["processed", "processed"]


def test_an_event_whose_payload_has_expired_is_not_replayed(
    application: Application, warehouse: Warehouse
) -> None:
    warehouse.broken = False
    application.deliver()
    application.work()
    application.sql("DELETE FROM event_payloads")
    [event] = application.events()
    result = application.cli("events", "replay", str(event["id"]))
    assert result.exit_code == 1
    assert "its payload has expired" in result.stdout
    assert status_of(application, event["id"]) == "processed"


def test_an_operation_while_redis_is_away_is_kept_and_left_to_recovery(
    application: Application, make_application: MakeApplication, warehouse: Warehouse
) -> None:
    [id] = kill(application)
    blind = make_application(REDIS_URL=f"redis://127.0.0.1:{free_port()}/0")
    result = blind.cli("dlq", "retry", str(id))
    assert result.exit_code == 0, result.output
    assert status_of(application, id) == "received"
    assert len(application.failed_jobs()) == 1


def test_the_api_lists_retries_and_discards_dead_letters(
    application: Application, warehouse: Warehouse
) -> None:
    ids = kill(application, 3)
    assert [it["id"] for it in application.admin("/dlq").get_json()] == ids[::-1]
    dry = post(application, "/dlq/retry", {"type": "charge.*", "dry_run": True}).get_json()
    assert dry == {"matched": 3, "ids": ids, "dry_run": True}
    done = post(application, "/dlq/retry", {"ids": [ids[0], 999999], "reason": "mended"}).get_json()
    assert (done["matched"], done["done"]) == (2, 1)
    assert done["skipped"][0]["event_id"] == 999999
    assert post(application, "/dlq/discard", {"ids": [ids[1]]}).status_code == 422
    discarded = post(application, "/dlq/discard", {"ids": [ids[1]], "reason": "a test"})
    assert discarded.get_json()["done"] == 1
    assert status_of(application, ids[1]) == "discarded"
    everything = post(application, "/dlq/retry", {"all": True}).get_json()
    assert everything["done"] == 1
    assert application.event(ids[0])["audit"][0]["actor"] == "admin"


def test_the_api_replays_an_event(application: Application, warehouse: Warehouse) -> None:
    warehouse.broken = False
    application.deliver()
    application.work()
    [event] = application.events()
    answer = post(application, f"/events/{event['id']}/replay", {"reason": "again"})
    assert (answer.status_code, answer.get_json()["done"]) == (200, 1)
    application.work()
    assert warehouse.calls == 2
    assert post(application, "/events/999999/replay").status_code == 404


@pytest.mark.parametrize(
    "body",
    [
        {},
        [],
        {"ids": []},
        {"ids": ["1"]},
        {"ids": [0]},
        {"ids": [True]},
        {"ids": [1], "type": "x"},
        {"typo": "charge.*"},
        {"type": 5},
        {"type": "charge.*", "dry_run": "yes"},
        {"since": "yesterday"},
        {"all": 1},
        {"ids": [1], "reason": 5},
        {"ids": [2**64]},
    ],
)
def test_an_unclear_request_is_a_422_and_changes_nothing(
    application: Application, warehouse: Warehouse, body: Any
) -> None:
    response = post(application, "/dlq/retry", body)
    assert response.status_code == 422
    assert response.mimetype == "application/problem+json"
    assert application.sql("SELECT 1 FROM audit_log") == []


def test_a_viewer_may_look_and_not_touch(make_application: MakeApplication) -> None:
    application = make_application(ADMIN_TOKEN="eve:viewer:viewer-token-0123456789")
    headers = {"Authorization": "Bearer viewer-token-0123456789"}
    assert application.client.get("/admin/dlq", headers=headers).status_code == 200
    for path in ("/dlq/retry", "/dlq/discard", "/events/1/replay"):
        response = post(application, path, {"all": True}, token="viewer-token-0123456789")
        assert response.status_code == 403, path


def test_a_dry_run_of_a_replay_shows_the_difference_and_touches_nothing(
    application: Application,
) -> None:
    application.sql("CREATE TABLE orders (id INTEGER PRIMARY KEY, state VARCHAR(20))")
    application.sql("INSERT INTO orders VALUES (7, 'open')")
    try:

        @handles("stripe", "*")
        def pay(event: Any, session: Any, effects: Any) -> None:
            session.execute(text("UPDATE orders SET state = 'paid' WHERE id = 7"))

        application.deliver()
        [event] = application.events()
        before = application.event(event["id"])
        shown = application.cli("events", "replay", str(event["id"]), "--dry-run")
        assert shown.exit_code == 0, shown.output
        assert "open" in shown.stdout
        assert "paid" in shown.stdout
        assert "1 event: 1 × changes." in shown.stdout
        answer = post(application, f"/events/{event['id']}/replay", {"dry_run": True}).get_json()
        assert answer["outcome"] == "changes"
        assert application.sql("SELECT state FROM orders") == [("open",)]
        assert application.event(event["id"]) == before
        missing = application.cli("events", "replay", "999999", "--dry-run")
        assert (missing.exit_code, "no event with this id" in missing.stderr) == (1, True)
    finally:
        application.sql("DROP TABLE orders")


@pytest.mark.parametrize("body", [{"status": "dead"}, {"status": "processed"}, {"type": "*"}])
def test_what_would_match_every_dead_letter_needs_to_be_said(
    application: Application, warehouse: Warehouse, body: Any
) -> None:
    kill(application, 2)
    response = post(application, "/dlq/discard", {**body, "reason": "x"})
    assert response.status_code == 422
    assert len(application.events(status="dead")) == 2


def test_the_list_of_dead_letters_refuses_another_status(application: Application) -> None:
    assert application.admin("/dlq", status="processed").status_code == 422
    assert application.admin("/dlq", status="dead").status_code == 200


def test_a_huge_id_is_a_usage_error(application: Application) -> None:
    assert application.cli("dlq", "retry", "9" * 20).exit_code == 2
