"""What a script gets: JSON and nothing else on stdout, and an exit code that it can rely on."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.integration.operations.dead_letters import Warehouse, kill
from tests.support.application import Application

COMMANDS = {
    "retry": ("dlq", "retry"),
    "discard": ("dlq", "discard", "--reason", "a test"),
    "replay": ("events", "replay"),
}
each_command = pytest.mark.parametrize("command", sorted(COMMANDS))


def run(application: Application, command: str, *arguments: str) -> tuple[int, Any]:
    """The exit code, and stdout as JSON."""
    result = application.cli(*COMMANDS[command], "--json", *arguments)
    return result.exit_code, json.loads(result.stdout)


@each_command
def test_json_stays_json_whatever_is_done(
    application: Application, warehouse: Warehouse, command: str
) -> None:
    [first, second] = kill(application, 2)
    code, shown = run(application, command, "--all", "--dry-run")
    assert (code, shown["matched"], shown["skipped"], shown["dry_run"]) == (0, 2, [], True)
    code, shown = run(application, command, "--type", "no.such", "--dry-run")
    assert (code, shown["matched"]) == (0, 0)
    assert run(application, command, "--type", "no.such") == (0, [])
    assert run(application, command, str(first)) == (
        0, [{"event_id": first, "done": True, "outcome": "done"}]
    )  # fmt: skip
    code, results = run(application, command, "--object-id", "no_such", "--yes")
    assert (code, results) == (0, [])
    code, results = run(application, command, str(second), "999999")
    assert (code, [it["done"] for it in results]) == (1, [True, False])


@each_command
def test_without_a_terminal_nothing_is_asked_and_nothing_is_done(
    application: Application, warehouse: Warehouse, command: str
) -> None:
    kill(application, 2)
    runner = application.app.test_cli_runner()
    for arguments in ((), ("--json",)):
        result = runner.invoke(args=[*COMMANDS[command], "--all", *arguments], input="y\n")
        assert (result.exit_code, result.stdout) == (2, "")
        assert "no terminal to ask at" in result.stderr
        assert "--yes" in result.stderr
    assert application.sql("SELECT 1 FROM audit_log") == []
    assert len(application.events(status="dead")) == 2


def test_a_dry_run_names_each_event_that_would_be_skipped_and_counts_the_others(
    application: Application, warehouse: Warehouse
) -> None:
    [dead, expired] = kill(application, 2)
    application.deliver()
    [waiting] = [event["id"] for event in application.events(status="received")]
    application.sql("DELETE FROM event_payloads WHERE event_id = :id", id=expired)
    ids = [str(id) for id in (dead, expired, waiting, 999999)]
    skipped = {
        expired: "skipped: its payload has expired",
        waiting: "skipped: it is received, not dead",
        999999: "there is no such event",
    }
    code, shown = run(application, "retry", *ids, "--dry-run")
    assert (code, shown["ids"]) == (1, [dead])
    assert {it["event_id"]: it["outcome"] for it in shown["skipped"]} == skipped
    prose = application.cli("dlq", "retry", *ids, "--dry-run")
    assert prose.exit_code == 1
    assert "1 event would be retried, 3 skipped." in prose.stdout
    for id, why in skipped.items():
        assert f"{id}: {why}" in prose.stdout
    _, shown = run(application, "discard", *ids, "--dry-run")
    assert shown["ids"] == [dead, expired]
    _, shown = run(application, "replay", *ids, "--dry-run")
    assert (shown["outcomes"], shown["left"]) == ({"fails": 2}, 0)
    assert [it["event_id"] for it in shown["skipped"]] == [expired, 999999]


def test_what_a_dry_run_foresees_is_what_then_happens(
    application: Application, warehouse: Warehouse
) -> None:
    [dead, expired] = kill(application, 2)
    application.sql("DELETE FROM event_payloads WHERE event_id = :id", id=expired)
    ids = [str(id) for id in (dead, expired, 999999)]
    _, foreseen = run(application, "retry", *ids, "--dry-run")
    code, results = run(application, "retry", *ids)
    assert code == 1
    assert [it for it in results if not it["done"]] == foreseen["skipped"]
    assert [it["event_id"] for it in results if it["done"]] == foreseen["ids"]


def test_events_that_a_filter_finds_and_that_are_skipped_are_no_failure(
    application: Application, warehouse: Warehouse
) -> None:
    kill(application, 2)
    application.sql("DELETE FROM event_payloads")
    code, results = run(application, "retry", "--all", "--yes")
    assert (code, [it["done"] for it in results]) == (0, [False, False])


@pytest.mark.parametrize(
    "arguments",
    [
        ("dlq", "retry", "--json"),
        ("dlq", "retry", "--json", "1", "--all"),
        ("dlq", "discard", "--json", "1"),
        ("dlq", "discard", "--json", "1", "--reason", "x\udcff"),
        ("dlq", "discard", "--json", "1", "--reason", "x" * 1001),
        ("dlq", "retry", "--json", "--error", "x\udcff"),
        ("dlq", "retry", "--json", "--type", "*"),
        ("events", "replay", "--json", "--status", "unheard-of"),
        ("events", "replay", "--json", "--type", "**", "--dry-run"),
    ],
)
def test_an_order_that_is_not_understood_ends_with_2_and_says_why_on_stderr_alone(
    application: Application, arguments: tuple[str, ...]
) -> None:
    result = application.cli(*arguments)
    assert (result.exit_code, result.stdout) == (2, "")
    assert "Error: " in result.stderr
    assert application.sql("SELECT 1 FROM audit_log") == []


@each_command
def test_help_tells_the_exit_codes(application: Application, command: str) -> None:
    said = application.cli(*COMMANDS[command][:2], "--help").stdout
    for code in (
        "  0    all was done",
        "  1    an event",
        "  2    the command",
        "  130  interrupted",
    ):
        assert code in said
