"""The preview: what was frozen, what it is worth, and what dry runs foresee."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import text

from payments.bulk import Scope
from payments.errors import InvalidQuery, NotFound
from payments.events import EventFilter
from payments.models import PREVIEW
from tests.integration.bulk.desk import Desk
from tests.integration.dead_letters.test_groups import know_payment
from tests.support.application import Application
from tests.support.deliveries import stripe_event
from tests.support.shop import Shop, let_die, let_many_die, work_until


def rehearsed(desk: Desk, id: int) -> dict[str, Any]:
    def ended() -> bool:
        return bool(desk.show(id)["rehearsal"]["ended"])

    work_until(desk.application, ended, "the dry runs have ended")
    return desk.show(id)


def test_dry_runs_are_grouped_by_what_would_happen(
    application: Application, shop: Shop, desk: Desk
) -> None:
    shop.refuse()
    for event_type, count in (("is.fine", 3), ("still.fails", 2)):
        let_die(application, count, event_type)

    def parse(event: Any) -> None:
        if event.event_type == "still.fails":
            event.data[f"customer_{event.event_id}"]

    shop.behave = parse
    shown = rehearsed(desk, desk.create())
    rehearsal = shown["rehearsal"]
    assert (rehearsal["tried"], rehearsal["samples"]) == (5, 5)
    shapes = {it["shape"]: it for it in rehearsal["shapes"]}
    assert {shape: it["count"] for shape, it in shapes.items()} == {
        "already applied": 3,
        "fails again: KeyError: '…'": 2,
    }
    assert len(shapes["already applied"]["samples"]) == 3
    assert application.sql("SELECT DISTINCT status FROM events") == [("dead",)]
    assert "fails again" in desk.cli("show", str(shown["id"])).stdout


def test_a_payments_change_is_told_by_its_status(
    application: Application, shop: Shop, desk: Desk
) -> None:
    from payments.handlers import handles

    know_payment(application, 1, "EUR", authorized=500, captured=0, objects=("pi_1",))
    application.sql("UPDATE payments SET status = 'authorized'")

    @handles("stripe", "mine.*")
    def capture(event: Any, session: Any, effects: Any) -> None:
        session.execute(text("UPDATE payments SET status = 'captured' WHERE payment_id = 'pi_1'"))
        effects.once(f"mail:{event.event_id}", lambda key: None)

    shop.refuse()
    application.deliver(stripe_event("mine.succeeded", data={"object": {"id": "pi_1"}}))
    application.work()
    shop.mend()
    shown = rehearsed(desk, desk.create())
    [shape] = shown["rehearsal"]["shapes"]
    assert shape["shape"] == "authorized → captured, 1 effects outside"
    assert shown["summary"]["value"] == {"EUR": 500}
    assert shown["summary"]["payments"] == 1
    assert application.sql("SELECT status FROM payments") == [("authorized",)]


def test_of_many_events_only_a_sample_is_tried(
    application: Application, shop: Shop, desk: Desk
) -> None:
    shop.refuse()
    ids = let_many_die(application, 300)
    shown = rehearsed(desk, desk.create())
    assert (shown["total"], shown["rehearsal"]["samples"]) == (300, 50)
    [shape] = shown["rehearsal"]["shapes"]
    assert shape["count"] == shown["rehearsal"]["tried"] == 50
    assert shape["samples"][0] == ids[0]
    assert shown["needs_count"] is True


def test_the_scope_stays_as_it_was_frozen_and_is_said_in_words(
    application: Application, shop: Shop, desk: Desk
) -> None:
    shop.refuse()
    let_die(application, 2)
    which = EventFilter(
        status="dead",
        provider="stripe",
        type="charge.*",
        since=datetime(2020, 1, 2, 3, 4, 5, tzinfo=UTC),
    )
    id = desk.create(scope=Scope.of_filter(which))
    let_die(application, 3)
    shown = desk.show(id)
    assert shown["total"] == 2
    words, _, moment = shown["scope"].partition(", as of ")
    assert words == (
        "dead events with provider stripe, type charge.*, received from 2020-01-02T03:04:05Z"
    )
    assert datetime.fromisoformat(moment).tzinfo is not None
    [group] = desk.groups()
    by_group = desk.show(desk.create())
    assert by_group["scope"].startswith(f"dead events of group {group['id']} (connection refused")
    assert by_group["summary"]["types"] == [{"event_type": "charge.refunded", "items": 5}]


@pytest.mark.parametrize(("ago", "count"), [("90m", 1), ("2h", 1), ("4h", 2), ("7d", 2), ("0m", 0)])
def test_a_time_may_be_given_as_how_long_ago(
    application: Application, ago: str, count: int
) -> None:
    let_die(application, 2)
    three_hours_ago = datetime.now(UTC) - timedelta(hours=3)
    application.sql(
        "UPDATE events SET received_at = :at WHERE id = 1", at=f"{three_hours_ago:%F %T}.000000"
    )
    result = application.cli("events", "list", "--since", ago, "--json")
    assert len(json.loads(result.stdout)) == count
    assert len(application.events(since=ago)) == count


def test_what_cannot_be_meant_is_refused(application: Application, shop: Shop, desk: Desk) -> None:
    shop.refuse()
    let_die(application, 1)
    for scope in (
        Scope(),
        Scope.of_ids([]),
        Scope.of_filter(EventFilter(status="dead")),
        Scope.of_filter(EventFilter(status="dead", type="no.such")),
    ):
        with pytest.raises(InvalidQuery):
            desk.create(scope=scope)
    with pytest.raises(InvalidQuery, match="action"):
        desk.create("explode", Scope.of_ids([1]))
    with pytest.raises(NotFound):
        desk.create(scope=Scope.of_group(999))
    assert json.loads(desk.cli("list", "--json").stdout) == []


def test_it_runs_only_with_a_reason_and_with_many_events_only_with_their_number(
    application: Application, shop: Shop, desk: Desk
) -> None:
    shop.refuse()
    let_many_die(application, 51)
    id = desk.create()
    for arguments, complaint in (
        (("--reason", "  "), "reason: say why."),
        (("--reason", "x"), "it is about 51 events; say that number"),
        (("--reason", "x", "--count", "50"), "it is about 51 events; say that number"),
    ):
        refused = desk.cli("confirm", str(id), *arguments)
        assert (refused.exit_code, complaint in refused.stderr) == (1, True)
    assert desk.cli("confirm", str(id)).exit_code == 2
    assert desk.show(id)["state"] == PREVIEW
    assert desk.audit(id) == [("bulk.create", "", 1)]
    assert desk.confirm(id, 51).exit_code == 0
    [row] = application.sql(
        "SELECT actor, reason, outcome FROM audit_log WHERE action = 'bulk.confirm'"
    )
    assert row[0].startswith("cli")
    assert row[1] == "the warehouse is back"
    assert row[2].startswith("51 to retry; dead events of group")


def test_a_preview_that_is_canceled_does_nothing(
    application: Application, shop: Shop, desk: Desk
) -> None:
    shop.refuse()
    let_die(application, 2)
    id = desk.create()
    desk.cli("cancel", str(id))
    application.work()
    assert desk.show(id)["state"] == "canceled"
    assert desk.show(id)["left"] == 2
    assert desk.confirm(id).exit_code == 1
    table = desk.cli("list").stdout
    assert "canceled" in table


def test_an_operation_that_does_not_exist_is_named(desk: Desk) -> None:
    for command in ("show", "cancel", "retry-failed"):
        result = desk.cli(command, "7")
        assert (result.exit_code, "no bulk operation with this id" in result.stderr) == (1, True)
    assert desk.cli("list").stdout == "There was no bulk operation yet.\n"
