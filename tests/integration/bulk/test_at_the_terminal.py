"""`flask dlq retry --group`: the preview is shown, the operator is asked, the end is waited for."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.integration.bulk.desk import Desk, counted
from tests.support.application import Application
from tests.support.shop import Shop, let_die, let_many_die, work_until
from tests.support.terminal import Command, Ended

Start = Callable[..., Command]


@pytest.fixture
def start(tmp_path: Path, database_url: str, redis_url: str) -> Start:
    return lambda *arguments: Command(tmp_path, database_url, redis_url, "dlq", *arguments)


def work_until_it_says(application: Application, command: Command, said: str) -> None:
    work_until(application, lambda: said in command.stderr, f"the command says {said!r}")


def ended(application: Application, command: Command) -> Ended:
    """A worker works beside the command until that has ended."""
    work_until(application, lambda: command.has_ended, "the command ends")
    return command.end()


REASON = ("--reason", "the warehouse is back")


def test_the_number_is_typed_and_the_progress_is_shown(
    application: Application, shop: Shop, start: Start
) -> None:
    shop.refuse()
    let_many_die(application, 60)
    shop.mend()
    command = start("retry", "--group", "1", *REASON)
    work_until_it_says(application, command, "Type their number, 60")
    assert "50 of 60 events" in command.stderr
    assert "no payment → unknown" in command.stderr
    command.type("60\n")
    done = ended(application, command)
    assert (done.code, done.stdout) == (
        0,
        "retry 1 is finished: 60 done, 0 failed, 0 skipped, 0 in flight, 0 left.\n",
    )
    assert "is running: 5 done" in done.stderr or "5 in flight" in done.stderr


def test_another_number_ends_it(
    application: Application, shop: Shop, desk: Desk, start: Start
) -> None:
    shop.refuse()
    let_many_die(application, 60)
    command = start("retry", "--group", "1", *REASON)
    work_until_it_says(application, command, "Type their number, 60")
    command.type("61\n")
    assert ended(application, command).code == 1
    assert desk.show(1)["state"] == "canceled"
    assert desk.counts(1) == counted(left=60)


def test_an_interrupt_leaves_it_running(
    application: Application, shop: Shop, desk: Desk, start: Start
) -> None:
    shop.refuse()
    let_die(application, 3)
    shop.mend()
    command = start("retry", "--group", "1", "--yes", *REASON)
    command.wait_for("3 left")
    command.interrupt()
    done = command.end()
    assert (done.code, "It goes on: bulk show 1" in done.stderr) == (130, True)
    assert desk.until_ended(1)["done"] == 3


def test_what_stops_exits_with_1_and_says_why(
    application: Application, shop: Shop, start: Start
) -> None:
    shop.refuse()
    let_many_die(application, 60)
    done = ended(application, start("retry", "--group", "1", "--yes", *REASON))
    assert done.code == 1
    assert "It stopped: " in done.stdout
    assert "of the first 5 fail again" in done.stdout


def test_a_dry_run_leaves_a_preview(application: Application, shop: Shop, start: Start) -> None:
    shop.refuse()
    let_die(application, 2)
    done = ended(application, start("retry", "--group", "1", "--dry-run", "--json"))
    shown = json.loads(done.stdout)
    assert (shown["state"], shown["rehearsal"]["tried"]) == ("preview", 2)
    assert shown["rehearsal"]["shapes"][0]["shape"].startswith("fails again: ConnectionRefused")


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (("retry", "--group", "1"), "--reason: say why."),
        (("discard", "--group", "1"), "--reason: say why."),
        (("retry", "--group", "1", "7", *REASON), "Give a --group, or ids, or a filter"),
        (("retry", "--group", "1", "--all", *REASON), "Give a --group, or ids, or a filter"),
        (("retry", "--group", "1", "--type", "x", *REASON), "Give a --group, or ids, or a filter"),
        (
            ("retry", "--group", "1", "--no-conflicts", *REASON),
            "Give a --group, or ids, or a filter",
        ),
        (("retry", "--group", "x", *REASON), "not a valid integer"),
        (("retry", "--group", "1", *REASON), "no terminal to ask at"),
    ],
)
def test_an_unclear_order_is_refused(
    application: Application, arguments: tuple[str, ...], complaint: str
) -> None:
    result = application.cli("dlq", *arguments)
    assert (result.exit_code, complaint in result.stderr) == (2, True)


def test_a_group_that_does_not_exist_is_named(application: Application) -> None:
    result = application.cli("dlq", "retry", "--group", "9", "--yes", *REASON)
    assert (result.exit_code, "no group with this id" in result.stderr) == (1, True)
