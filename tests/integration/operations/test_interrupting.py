"""A person at the terminal: asked before many events, and free to press Ctrl-C at any time."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.integration.operations.dead_letters import Warehouse, kill
from tests.support.application import Application
from tests.support.terminal import Command
from tests.support.waiting import eventually

Start = Callable[..., Command]
# The command line does not know which database it works on.
one_database = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
pytestmark = one_database


@pytest.fixture
def start(tmp_path: Path, database_url: str, redis_url: str) -> Start:
    return lambda *arguments: Command(tmp_path, database_url, redis_url, *arguments)


def audited(application: Application) -> list[int]:
    rows = application.sql("SELECT event_id FROM audit_log WHERE outcome = 'done' ORDER BY id")
    return [id for (id,) in rows]


def test_ctrl_c_ends_with_the_report_of_what_was_done_and_the_next_run_does_the_rest(
    application: Application, warehouse: Warehouse, start: Start
) -> None:
    ids = kill(application, 6)
    command = start("dlq", "retry", "--all", "--yes", "--json", "--rate", "2")
    eventually(lambda: audited(application), "the first event is retried")
    command.interrupt()
    ended = command.end()
    assert ended.code == 130, ended.stderr
    done = [result["event_id"] for result in json.loads(ended.stdout) if result["done"]]
    assert done == audited(application)
    assert 0 < len(done) < 6
    assert [event["id"] for event in application.events(status="dead")] == ids[len(done) :][::-1]
    application.cli("dlq", "retry", "--all", "--yes", "--rate", "1000")
    assert sorted(audited(application)) == ids


def test_a_second_ctrl_c_does_not_wait_for_a_lock_and_reports_all_the_same(
    application: Application, warehouse: Warehouse, start: Start
) -> None:
    kill(application, 2)
    command = start("dlq", "retry", "--all", "--yes", "--rate", "2")
    eventually(lambda: audited(application), "the first event is retried")
    command.interrupt()
    command.interrupt()
    ended = command.end()
    assert ended.code == 130, ended.stderr
    assert "Traceback" not in ended.stderr
    assert " left.\n" in ended.stdout


def test_a_rehearsal_that_is_interrupted_says_what_is_left(
    application: Application, start: Start
) -> None:
    for _ in range(6):
        application.deliver()
    command = start("events", "replay", "--all", "--dry-run", "--json", "--rate", "1")
    command.wait_for("dry run")
    command.interrupt()
    ended = command.end()
    assert ended.code == 130, ended.stderr
    said = json.loads(ended.stdout)
    assert said["left"] > 0
    assert said["left"] + sum(said["outcomes"].values()) == said["matched"] == 6


@pytest.mark.parametrize(
    ("answer", "code", "done"), [("y\n", 0, 2), ("n\n", 1, 0), ("\n", 1, 0), ("\x04", 130, 0)]
)
def test_a_question_goes_to_the_person_and_only_the_results_to_stdout(
    application: Application,
    warehouse: Warehouse,
    start: Start,
    answer: str,
    code: int,
    done: int,
) -> None:
    kill(application, 2)
    command = start("dlq", "retry", "--all", "--json")
    command.wait_for("Go on?")
    assert "2 events would be retried." in command.stderr
    command.type(answer)
    ended = command.end()
    assert (ended.code, len(json.loads(ended.stdout))) == (code, done), ended.stderr
    assert len(audited(application)) == done
    assert ("Nothing was done." in ended.stderr) == (not done)


def test_ctrl_c_at_the_question_does_nothing(
    application: Application, warehouse: Warehouse, start: Start
) -> None:
    kill(application, 2)
    command = start("dlq", "retry", "--all")
    command.wait_for("Go on?")
    command.interrupt()
    ended = command.end()
    assert (ended.code, ended.stdout) == (130, "")
    assert "Nothing was done." in ended.stderr
    assert audited(application) == []
