"""What an operator does over HTTP."""

from __future__ import annotations

from typing import Any

import pytest

from tests.integration.operations.dead_letters import Warehouse, kill, post, status_of
from tests.support.application import Application, MakeApplication


def test_the_api_lists_retries_and_discards_dead_letters(
    application: Application, warehouse: Warehouse
) -> None:
    ids = kill(application, 3)
    assert [it["id"] for it in application.admin("/dlq").get_json()] == ids[::-1]
    dry = post(application, "/dlq/retry", {"type": "charge.*", "dry_run": True}).get_json()
    assert dry == {"matched": 3, "ids": ids, "skipped": [], "dry_run": True}
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
