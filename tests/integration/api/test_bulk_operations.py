"""A bulk operation from its preview to its end, over HTTP."""

from __future__ import annotations

from typing import Any

import pytest

from tests.integration.bad_input.cases import one_database
from tests.integration.operations.dead_letters import Warehouse, kill, post, status_of
from tests.support.application import Application
from tests.support.refusals import problem_of


def test_a_group_is_previewed_started_and_followed_to_its_end(
    application: Application, warehouse: Warehouse
) -> None:
    ids = kill(application, 3)
    group = application.event(ids[0])["failure_group_id"]
    made = post(application, "/bulk", {"action": "retry", "group_id": group})
    assert made.status_code == 201
    id = made.get_json()["id"]
    assert (made.get_json()["state"], made.get_json()["total"]) == ("preview", 3)
    warehouse.broken = False
    application.work()
    foreseen = application.admin(f"/bulk/{id}").get_json()
    assert foreseen["rehearsal"]["tried"] == 3
    problem_of(post(application, f"/bulk/{id}/start", {}), 422)
    problem_of(post(application, f"/bulk/{id}/start", {"reason": "x", "count": 4}), 422)
    started = post(application, f"/bulk/{id}/start", {"reason": "mended", "count": 3})
    assert started.get_json()["state"] == "running"
    problem_of(post(application, f"/bulk/{id}/start", {"reason": "again"}), 409)
    application.work()
    application.sql("UPDATE bulk_operations SET next_look_at = '2020-01-01 00:00:00.000000'")
    application.cli("bulk", "list")
    items = application.admin(f"/bulk/{id}/items", limit=2)
    assert [it["event_id"] for it in items.get_json()] == ids[:2]
    assert 'rel="next"' in items.headers["Link"]
    assert status_of(application, ids[0]) == "processed"
    listed = application.admin("/bulk").get_json()
    assert [it["id"] for it in listed] == [id]


@one_database
def test_one_is_canceled_and_its_failed_events_are_tried_anew(
    application: Application, warehouse: Warehouse
) -> None:
    kill(application, 2)
    id = post(application, "/bulk", {"action": "retry", "type": "charge.*"}).get_json()["id"]
    problem_of(post(application, f"/bulk/{id}/retry-failed"), 422)
    canceled = post(application, f"/bulk/{id}/cancel", {"reason": "not yet"}).get_json()
    assert canceled["state"] == "canceled"
    problem_of(post(application, f"/bulk/{id}/cancel"), 409)
    problem_of(post(application, f"/bulk/{id}/start", {"reason": "x"}), 409)
    application.sql("UPDATE bulk_items SET state = 'failed'")
    again = post(application, f"/bulk/{id}/retry-failed")
    assert (again.status_code, again.get_json()["origin_id"]) == (201, id)


UNCLEAR: list[Any] = [
    {},
    {"action": "retry"},
    {"action": "explode", "all": True},
    {"ids": [1]},
    {"action": "retry", "ids": [1], "group_id": 1},
    {"action": "retry", "ids": [1], "type": "charge.*"},
    {"action": "retry", "group_id": "1"},
    {"action": "retry", "group_id": 0},
    {"action": "retry", "status": "processed"},
    {"action": "retry", "ids": [1], "dry_run": True},
    {"action": "retry", "type": "*"},
    {"action": "retry", "ids": [1], "reason": 7},
    {"action": "retry", "ids": [1], "reason": "a\0b"},
    {"action": "retry", "type": "nothing.matches"},
    [],
]


@one_database
@pytest.mark.parametrize("body", UNCLEAR, ids=str)
def test_an_unclear_operation_is_a_422_and_none_is_made(
    application: Application, body: Any
) -> None:
    application.deliver()
    problem_of(post(application, "/bulk", body), 422)
    assert application.admin("/bulk").get_json() == []
    assert application.sql("SELECT 1 FROM audit_log") == []


@one_database
@pytest.mark.parametrize("id", ["0", "9", "x", "-1", str(2**63), "9" * 100])
def test_an_operation_or_group_that_does_not_exist_is_a_404(
    application: Application, id: str
) -> None:
    for path in (f"/bulk/{id}", f"/bulk/{id}/items", f"/dlq/groups/{id}"):
        problem_of(application.admin(path), 404)
    for verb in ("start", "cancel", "retry-failed"):
        problem_of(post(application, f"/bulk/{id}/{verb}", {"reason": "x"}), 404)
    if id.isdigit() and 0 < int(id) < 2**63:
        body = {"action": "retry", "group_id": int(id)}
        problem_of(post(application, "/bulk", body), 404)
