"""A bulk operation while workers are killed, Redis forgets, and slices end half way."""

from __future__ import annotations

from typing import Any

import pytest

from jobs.bulk import continue_operation
from jobs.recover import recover_events
from payments.bulk import starting
from tests.integration.bulk.desk import Desk, counted
from tests.support.application import Application, MakeApplication
from tests.support.servers import free_port
from tests.support.shop import Shop, as_if_minutes_had_passed, let_many_die, work_until


class Killed(BaseException):
    """As if the process ended here."""


def kill_at(number: int, monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """The slice ends when it is about to change the `number`th event; returns those it came to."""
    refuse = starting.Items.refuse
    seen: list[Any] = []

    def dying(self: Any, session: Any, event: Any) -> Any:
        seen.append(event)
        if len(seen) == number:
            raise Killed
        return refuse(self, session, event)

    monkeypatch.setattr(starting.Items, "refuse", dying)
    return seen


def test_a_worker_that_is_killed_half_way_leaves_nothing_undone_or_done_twice(
    application: Application, shop: Shop, desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop.refuse()
    let_many_die(application, 30)
    shop.mend()
    shop.calls.clear()
    id = desk.create()
    desk.confirm(id)
    with monkeypatch.context() as patch:
        seen = kill_at(13, patch)
        work_until(application, lambda: len(seen) == 13, "the slice after the probe is cut off")
    assert desk.counts(id) == counted(done=5, in_flight=7, left=18)
    as_if_minutes_had_passed(application)
    with application.app.app_context():
        recover_events()
    assert desk.until_ended(id)["state"] == "finished"
    assert desk.counts(id) == counted(done=30)
    assert len(shop.calls) == len(set(shop.calls)) == 30


def test_a_redis_that_forgot_everything_is_made_good_by_recovery(
    application: Application, shop: Shop, desk: Desk
) -> None:
    shop.refuse()
    let_many_die(application, 20)
    shop.mend()
    id = desk.create()
    desk.confirm(id)
    application.queue.connection.flushall()
    as_if_minutes_had_passed(application)
    with application.app.app_context():
        recover_events()
        recover_events()  # and it has a job now
    assert application.queue.queue.count == 1
    assert desk.until_ended(id)["state"] == "finished"
    assert desk.counts(id) == counted(done=20)


def test_a_confirmation_while_redis_is_away_is_kept(
    application: Application, make_application: MakeApplication, shop: Shop, desk: Desk
) -> None:
    shop.refuse()
    let_many_die(application, 3)
    shop.mend()
    id = desk.create()
    application.work()
    blind = Desk(
        make_application(REDIS_URL=f"redis://127.0.0.1:{free_port()}/0", RETRY_MAX_ATTEMPTS="1")
    )
    assert blind.confirm(id).exit_code == 0
    assert application.queue.queue.count == 0
    as_if_minutes_had_passed(application)
    with application.app.app_context():
        recover_events()
    desk.until_ended(id)
    assert desk.counts(id) == counted(done=3)


def test_a_dry_run_that_ends_its_process_is_not_tried_again(
    application: Application, shop: Shop, desk: Desk
) -> None:
    shop.refuse()
    let_many_die(application, 3)
    id = desk.create()

    def kill(event: Any) -> None:
        raise Killed

    shop.behave = kill
    with application.app.app_context():
        for _ in range(3):
            application.sql(
                "UPDATE bulk_operations SET next_look_at = '2020-01-01 00:00:00.000000'"
            )
            with pytest.raises(Killed):
                continue_operation(id)
    application.queue.connection.flushall()
    as_if_minutes_had_passed(application)
    with application.app.app_context():
        recover_events()
    application.work()
    rehearsal = desk.show(id)["rehearsal"]
    assert rehearsal["ended"] is True
    assert [(it["shape"], it["count"]) for it in rehearsal["shapes"]] == [
        ("the dry run did not end", 3)
    ]


def test_a_slice_that_comes_to_the_items_of_another_one_leaves_them_alone(
    application: Application, shop: Shop, desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop.refuse()
    let_many_die(application, 10)
    shop.mend()
    id = desk.create()
    desk.confirm(id)
    with application.app.app_context():
        found = starting._waiting(id, 5)
        monkeypatch.setattr(starting, "_waiting", lambda *_: found)
        application.queue.connection.flushall()
        for _ in range(2):
            as_if_minutes_had_passed(application)
            application.sql("UPDATE bulk_operations SET in_flight = 0")  # so that five may start
            continue_operation(id)
    counted_items = application.sql("SELECT state, count(*) FROM bulk_items GROUP BY 1 ORDER BY 1")
    assert counted_items == [("started", 5), ("waiting", 5)]
    lines = application.sql("SELECT count(*) FROM audit_log WHERE action = 'dlq.retry'")
    assert lines == [(5,)]


def test_a_cancel_in_the_middle_of_a_slice_ends_it_there(
    application: Application, shop: Shop, desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop.refuse()
    let_many_die(application, 10)
    id = desk.create()
    desk.confirm(id)

    def cancel_after_two(ids: Any) -> Any:
        yield from ids[:2]
        assert desk.cli("cancel", str(id)).exit_code == 0
        yield from ids[2:]

    monkeypatch.setattr(starting, "_in_time", cancel_after_two)
    with application.app.app_context():
        continue_operation(id)
    assert desk.counts(id) == counted(in_flight=2, left=8)
    assert application.sql("SELECT count(*) FROM events WHERE status = 'received'") == [(2,)]
