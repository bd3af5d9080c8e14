"""A bulk operation from its confirmation to its end: the probe, the brake, the progress."""

from __future__ import annotations

import itertools
from typing import Any

import pytest

from jobs.bulk import continue_operation
from payments.bulk import Scope
from payments.errors import Conflict
from payments.events import EventFilter
from tests.integration.bulk.desk import Desk, counted
from tests.support.application import Application, MakeApplication
from tests.support.shop import Shop, let_die, let_many_die


def test_400_dead_letters_stop_after_five_while_the_cause_persists_and_finish_once_it_is_mended(
    application: Application, shop: Shop, desk: Desk
) -> None:
    shop.refuse()
    let_many_die(application, 400)
    shop.calls.clear()
    id = desk.create()
    stopped = desk.run(id, 400)
    assert desk.counts(id) == counted(failed=5, left=395)
    assert stopped["state"] == "stopped"
    assert stopped["stop_reason"].endswith("of the first 5 fail again")
    [group] = desk.groups()
    assert group["dead"] == 400
    shop.mend()
    shop.calls.clear()
    assert desk.run(id, 395)["state"] == "finished"
    assert desk.counts(id) == counted(done=395, failed=5)
    assert len(shop.calls) == len(set(shop.calls)) == 395
    again = desk.cli("retry-failed", str(id))
    assert "Bulk operation 2 is a preview" in again.stdout
    assert desk.run(2)["origin_id"] == id
    assert desk.counts(2) == counted(done=5)
    assert desk.groups() == []
    assert desk.audit(id) == [
        ("bulk.confirm", "", 2),
        ("bulk.create", "", 1),
        ("bulk.finish", "", 1),
        ("bulk.stop", "", 1),
        ("dlq.retry", "done", 400),
    ]
    assert desk.audit(2)[-1] == ("dlq.retry", "done", 5)


def test_the_first_five_go_alone(application: Application, shop: Shop, desk: Desk) -> None:
    shop.refuse()
    let_many_die(application, 40)
    shop.mend()
    id = desk.create()
    desk.confirm(id)
    seen: list[int] = []
    shop.behave = lambda event: seen.append(desk.show(id)["left"])
    desk.until_ended(id)
    assert seen[:5] == [35] * 5
    assert min(seen[5:]) == 0


def test_it_stops_at_a_fifth_of_failures(application: Application, shop: Shop, desk: Desk) -> None:
    shop.refuse()
    let_many_die(application, 200)
    numbers = itertools.count(1)

    def every_third(event: Any) -> None:
        number = next(numbers)
        if number > 5 and number % 3 == 0:
            raise KeyError("customer")

    shop.behave = every_third
    id = desk.create()
    stopped = desk.run(id, 200)
    assert stopped["state"] == "stopped"
    assert "20 % or more" in stopped["stop_reason"]
    assert stopped["left"] >= 100
    assert stopped["done"] + stopped["failed"] + stopped["left"] == 200


def test_a_few_failures_do_not_stop_it(application: Application, shop: Shop, desk: Desk) -> None:
    shop.refuse()
    let_many_die(application, 60)
    numbers = itertools.count(1)

    def every_tenth(event: Any) -> None:
        if next(numbers) % 10 == 0:
            raise KeyError("customer")

    shop.behave = every_tenth
    id = desk.create()
    assert desk.run(id, 60)["state"] == "finished"
    assert desk.counts(id) == counted(done=54, failed=6)
    failed = desk.show(id, "failed")["items"]
    assert [item["outcome"] for item in failed] == ["KeyError: 'customer'"] * 6


def test_a_failed_attempt_is_enough_to_stop_and_what_succeeds_later_is_done(
    make_application: MakeApplication, shop: Shop
) -> None:
    application = make_application(
        RETRY_MAX_ATTEMPTS="2", RETRY_BASE_SECONDS="3000", RETRY_CAP_SECONDS="3000"
    )
    desk = Desk(application)
    shop.refuse()
    let_die(application, 8)
    application.sql("UPDATE events SET status = 'dead', next_attempt_at = NULL")
    application.queue.connection.flushall()
    id = desk.create()
    desk.confirm(id)
    stopped = desk.until(id, state="stopped")
    assert stopped["in_flight"] + stopped["failed"] == 5
    assert stopped["failed"] == 0
    shop.mend()
    application.sql("UPDATE events SET status = 'processed' WHERE status = 'retrying'")
    application.sql("UPDATE bulk_operations SET next_look_at = '2020-01-01 00:00:00.000000'")
    with application.app.app_context():
        application.queue.enqueue_operation(id)
    desk.until(id, in_flight=0)
    assert desk.counts(id) == counted(done=5, left=3)


def test_items_that_have_changed_since_are_skipped_and_listed(
    application: Application, shop: Shop, desk: Desk
) -> None:
    shop.refuse()
    ids = let_many_die(application, 12)
    id = desk.create()
    application.cli("dlq", "discard", str(ids[0]), "--reason", "a test order")
    application.cli("dlq", "retry", str(ids[1]))
    application.work()  # and it dies again
    shop.mend()
    desk.run(id)
    assert desk.counts(id) == counted(done=10, skipped=2)
    skipped = {item["event_id"]: item["outcome"] for item in desk.show(id)["items"]}
    assert skipped == {
        ids[0]: "skipped: changed since: was dead, is discarded",
        ids[1]: "skipped: changed since: is dead after an attempt",
    }
    assert "was dead, is discarded" in desk.cli("show", str(id)).stdout


def test_two_at_once_on_overlapping_sets_do_each_event_once(
    application: Application, shop: Shop, desk: Desk
) -> None:
    shop.refuse()
    ids = let_many_die(application, 30)
    first = desk.create(scope=Scope.of_ids(ids[:20]))
    second = desk.create(scope=Scope.of_ids(ids[10:]))
    shop.mend()
    shop.calls.clear()
    desk.confirm(first)
    desk.confirm(second)
    desk.until_ended(first)
    desk.until_ended(second)
    assert len(shop.calls) == len(set(shop.calls)) == 30
    both = [desk.show(first), desk.show(second)]
    assert sum(it["done"] for it in both) == 30
    assert sum(it["skipped"] for it in both) == 10


def test_cancel_ends_it_after_what_is_in_flight(
    application: Application, shop: Shop, desk: Desk
) -> None:
    shop.refuse()
    let_many_die(application, 30)
    id = desk.create()
    desk.confirm(id)
    with application.app.app_context():
        continue_operation(id)
    shop.mend()
    assert "5 in flight, 25 left" in desk.cli("cancel", str(id), "--reason", "not now").stdout
    canceled = desk.until_ended(id)
    assert canceled["state"] == "canceled"
    assert desk.counts(id) == counted(done=5, left=25)
    assert desk.cli("cancel", str(id)).exit_code == 1
    assert ("bulk.cancel", "", 1) in desk.audit(id)


def test_discarding_a_group_needs_no_worker_but_the_job(
    application: Application, shop: Shop, desk: Desk
) -> None:
    shop.refuse()
    let_many_die(application, 60)
    id = desk.create("discard")
    assert desk.show(id)["rehearsal"]["samples"] == 0
    desk.run(id, 60)
    assert desk.counts(id) == counted(done=60)
    assert application.sql("SELECT DISTINCT status FROM events") == [("discarded",)]
    assert desk.groups() == []
    assert desk.audit(id) == [
        ("bulk.confirm", "", 1),
        ("bulk.create", "", 1),
        ("bulk.finish", "", 1),
        ("dlq.discard", "done", 60),
    ]


def test_processed_events_are_replayed_by_a_filter(
    application: Application, shop: Shop, desk: Desk
) -> None:
    let_die(application, 7, "charge.refunded")
    let_die(application, 2, "payout.failed")
    shop.calls.clear()
    which = EventFilter(status="processed", type="charge.*")
    id = desk.create("replay", Scope.of_filter(which))
    assert desk.run(id)["state"] == "finished"
    assert desk.counts(id) == counted(done=7)
    assert len(shop.calls) == 7


def test_running_it_twice_does_nothing_the_second_time(
    application: Application, shop: Shop, desk: Desk
) -> None:
    shop.refuse()
    let_many_die(application, 8)
    shop.mend()
    id = desk.create()
    desk.run(id)
    shop.calls.clear()
    with application.app.app_context():
        for _ in range(3):
            application.queue.enqueue_operation(id)
    application.work()
    assert shop.calls == []
    refused = desk.confirm(id)
    assert (refused.exit_code, "It is finished" in refused.stderr) == (1, True)
    assert Conflict.status == 409


@pytest.mark.parametrize("twice", [1, 3])
def test_several_jobs_at_once_start_no_item_twice(
    application: Application, shop: Shop, desk: Desk, twice: int
) -> None:
    shop.refuse()
    let_many_die(application, 25)
    shop.mend()
    shop.calls.clear()
    id = desk.create()
    desk.confirm(id)
    with application.app.app_context():
        for _ in range(twice):
            application.queue.enqueue_operation(id)
    desk.until_ended(id)
    assert len(shop.calls) == len(set(shop.calls)) == 25
