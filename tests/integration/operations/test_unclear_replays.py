"""Orders to replay that are too large, unclear, or at the wrong door: nothing is replayed."""

from __future__ import annotations

from typing import Any

import pytest

from payments.web.api import operations
from tests.integration.operations.dead_letters import post
from tests.support.application import Application
from tests.support.deliveries import ADMIN_TOKEN
from tests.support.refusals import problem_of

REPLAY = "/events/replay"
# What is not understood is refused before anything is looked up.
one_database = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


def assert_untouched(application: Application) -> None:
    assert application.sql("SELECT 1 FROM audit_log") == []


@one_database
@pytest.mark.parametrize("dry_run", [False, True])
def test_more_than_a_client_can_wait_for_is_refused_and_nothing_is_done(
    application: Application, monkeypatch: pytest.MonkeyPatch, dry_run: bool
) -> None:
    monkeypatch.setattr(operations, "MOST_AT_ONCE", 2)
    for _ in range(3):
        application.deliver()
    answer = post(application, REPLAY, {"all": True, "dry_run": dry_run})
    assert "at most 2 at once" in problem_of(answer, 422)["detail"]
    assert_untouched(application)


BAD_BODIES: dict[str, bytes] = {
    "empty": b"",
    "no JSON": b"all",
    "a list": b"[1]",
    "null": b"null",
    "not UTF-8": b'{"type": "\xff"}',
    "cut off": b'{"ids": [1]',
    "100,000 levels deep": b'{"ids": ' + b"[" * 100_000,
    "an id of 5,000 digits": b'{"ids": [' + b"9" * 5_000 + b"]}",
    "an unknown field": b'{"typ": "charge.*"}',
    "nothing chosen": b'{"reason": "x"}',
    "all: false": b'{"all": false}',
    "all stars": b'{"type": "***"}',
    "an unknown status": b'{"status": "done"}',
    "a status that is no text": b'{"status": ["dead"]}',
    "ids and a status": b'{"ids": [1], "status": "dead"}',
    "ids and all": b'{"ids": [1], "all": true}',
    "ids as text": b'{"ids": "1"}',
    "ids with a fraction": b'{"ids": [1.0]}',
    "conflicts as text": b'{"conflicts": "true"}',
    "a limit": b'{"all": true, "limit": 5}',
    "dry_run as text": b'{"all": true, "dry_run": "true"}',
    "a reason with NUL": b'{"all": true, "reason": "a\\u0000b"}',
    "a reason with a lone surrogate": b'{"all": true, "reason": "\\ud800"}',
    "a reason that is too long": b'{"all": true, "reason": "%s"}' % (b"x" * 1001),
    "an error with a lone surrogate": b'{"error": "\\udfff"}',
    "a time without a zone that is none": b'{"since": "soon"}',
}


@one_database
@pytest.mark.parametrize("case", BAD_BODIES)
def test_a_body_that_is_not_understood_is_a_422_and_replays_nothing(
    application: Application, case: str
) -> None:
    application.deliver()
    headers = {"Authorization": f"Bearer {ADMIN_TOKEN}"}
    answer = application.client.post(f"/admin{REPLAY}", data=BAD_BODIES[case], headers=headers)
    problem_of(answer, 422)
    assert_untouched(application)


@one_database
@pytest.mark.parametrize("path", [REPLAY, "/events/1/replay", "/dlq/retry", "/dlq/discard"])
@pytest.mark.parametrize("method", ["DELETE", "PUT", "PATCH"])
def test_another_method_is_a_405_that_names_the_right_one(
    application: Application, path: str, method: str
) -> None:
    headers = {"Authorization": f"Bearer {ADMIN_TOKEN}"}
    answer = application.client.open(f"/admin{path}", method=method, json={}, headers=headers)
    problem_of(answer, 405)
    assert "POST" in answer.headers["Allow"]


@one_database
@pytest.mark.parametrize("body", [{"ids": [1]}, {"all": True}, {"type": "x"}, {"status": "dead"}])
def test_where_the_path_names_the_event_the_body_may_not_choose(
    application: Application, body: dict[str, Any]
) -> None:
    application.deliver()
    problem_of(post(application, "/events/1/replay", body), 422)
    assert_untouched(application)
