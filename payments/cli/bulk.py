"""What retry, discard and replay share: choosing, counting first, asking, pacing, reporting."""

from __future__ import annotations

import getpass
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any, NoReturn, TypeVar

import click

from payments.actions import Action, ItemResult, Preview, freeze
from payments.actions import preview as preview_of
from payments.audit import checked_reason
from payments.cli.filters import build_filter, filter_options
from payments.cli.interruption import EXIT_CODE, interruptible
from payments.cli.output import progress, show_json, show_table
from payments.database import snapshot
from payments.errors import InvalidQuery, NotFound
from payments.events import MAX_ID, EventFilter, describe, get_event
from payments.operations import Actor, operate
from payments.queueing import job_queue

F = TypeVar("F", bound=Callable[..., Any])
SAMPLE = 5
SAMPLE_COLUMNS = ("id", "provider", "event_type", "event_id", "last_error")
EXIT_CODES = """\b
Exit codes:
  0    all was done, or nothing matched the filter
  1    an event that was named by its id was not done, or the answer was no
  2    the command was not understood; nothing was done
  130  interrupted; what was done is reported
"""


def bulk_options(command: F) -> F:
    """IDS or filters, `--all`, `--dry-run`, `--yes`, `--rate`, `--reason`, `--json`."""
    for option in (
        click.option("--json", "as_json", is_flag=True, help="print JSON, and nothing else"),
        click.option("--reason", help="why; kept in the audit log"),
        click.option(
            "--rate",
            type=click.FloatRange(0.1, 10_000),
            default=50.0,
            show_default=True,
            help="at most so many a second",
        ),
        click.option("--yes", is_flag=True, help="do not ask"),
        click.option("--dry-run", is_flag=True, help="only say what would be done"),
        click.option("--all", "everything", is_flag=True, help="without any filter"),
    ):
        command = option(command)
    return click.argument("ids", nargs=-1, type=click.IntRange(1, MAX_ID))(filter_options(command))


def choose(action: Action, options: dict[str, Any]) -> list[int]:
    """The events that are meant: the ids as given, or those that the filter matches now."""
    ids: tuple[int, ...] = options["ids"]
    which = build_filter(options, status=options.get("status"))
    filtered = which != EventFilter()
    if ids and (filtered or options["everything"]):
        raise click.UsageError("Give ids or a filter, not both.")
    if ids:
        return list(dict.fromkeys(ids))
    if not filtered and not options["everything"]:
        raise click.UsageError("Give ids or a filter; --all if every one of them is meant.")
    try:
        with snapshot() as session:
            return freeze(session, action, which, confirmed=options["everything"])
    except InvalidQuery as error:
        raise click.UsageError(str(error)) from None


def read_reason(action: Action, options: dict[str, Any]) -> str | None:
    try:
        return checked_reason(options["reason"], needed=action.needs_reason)
    except InvalidQuery as error:
        raise click.BadParameter(str(error), param_hint="--reason") from None


def run(action: Action, verb: str, options: dict[str, Any]) -> None:
    """Choose, count, ask, do at the given rate with a progress bar, and report.

    Interrupting is safe: what is done is done, and running it again does the rest.
    """
    reason = read_reason(action, options)
    with nothing_done_if_interrupted(as_json=options["as_json"]):
        ids = choose(action, options)
        if options["dry_run"]:
            foreseen = foresee(action, ids)
            show_json(foreseen.describe()) if options["as_json"] else show_preview(foreseen, verb)
            leave(options, all_done=not foreseen.skipped)
        if not ids:
            show_json([]) if options["as_json"] else click.echo("Nothing matches.")
            return
        if not options["yes"] and not options["ids"]:
            ask(foresee(action, ids), verb, as_json=options["as_json"])
    results: list[ItemResult] = []
    with interruptible() as interruption, progress(verb, len(ids)) as step:
        paced = interruption.paced(ids, options["rate"])
        for result in operate(action, paced, actor(), job_queue(), reason):
            results.append(result)
            step()
    _report(results, len(ids), verb, as_json=options["as_json"])
    leave(options, all_done=all(it.done for it in results), interrupted=interruption.asked)


def foresee(action: Action, ids: list[int]) -> Preview:
    with snapshot() as session:
        return preview_of(session, action, ids)


def show_preview(foreseen: Preview, verb: str, *, err: bool = False) -> None:
    """How many, a few of them, and each that would be skipped."""
    count, skipped = len(foreseen.ids), len(foreseen.skipped)
    if not count and not skipped:
        click.echo("Nothing matches.", err=err)
        return
    rest = f", {skipped} skipped" if skipped else ""
    click.echo(f"{count} event{'s' * (count != 1)} would be {verb}{rest}.", err=err)
    rows = []
    with snapshot() as session, suppress(NotFound):
        for id in foreseen.ids[:SAMPLE]:
            rows.append(describe(get_event(session, id)))
    if rows:
        show_table(rows, SAMPLE_COLUMNS, empty="", err=err)
    if count > SAMPLE:
        click.echo(f"… and {count - SAMPLE} more.", err=err)
    show_skipped(foreseen.skipped, err=err)


def show_skipped(results: list[ItemResult], *, err: bool = False) -> None:
    for result in results:
        if not result.done:
            click.echo(f"  {result.event_id}: {result.outcome}", err=err)


def ask(foreseen: Preview, verb: str, *, as_json: bool) -> None:
    """Go on only after a yes. All of it goes to stderr: stdout is for what was done."""
    if not sys.stdin.isatty():
        raise click.UsageError(
            "There is no terminal to ask at, so nothing was done. Look with --dry-run; "
            "give --yes if it is meant."
        )
    show_preview(foreseen, verb, err=True)
    if not click.confirm("Go on?", err=True):
        _nothing_done(as_json)
        raise SystemExit(1)


def leave(options: dict[str, Any], *, all_done: bool, interrupted: bool = False) -> NoReturn:
    """End the command with the exit code that scripts can rely on."""
    if interrupted:
        raise SystemExit(EXIT_CODE)
    raise SystemExit(1 if options["ids"] and not all_done else 0)


@contextmanager
def nothing_done_if_interrupted(*, as_json: bool) -> Iterator[None]:
    """Until something is done, Ctrl-C only has to be answered."""
    try:
        yield
    except (KeyboardInterrupt, click.Abort):
        _nothing_done(as_json)
        raise SystemExit(EXIT_CODE) from None


def actor() -> Actor:
    """Who sits at this terminal."""
    try:
        return Actor(name=f"cli:{getpass.getuser()}")
    except (KeyError, OSError):  # a container's user may have no name
        return Actor(name="cli")


def _nothing_done(as_json: bool) -> None:
    if as_json:
        show_json([])
    click.echo("Nothing was done.", err=True)


def _report(results: list[ItemResult], total: int, verb: str, *, as_json: bool) -> None:
    if as_json:
        show_json([vars(result) for result in results])
        return
    done = sum(result.done for result in results)
    click.echo(f"{done} {verb}, {len(results) - done} skipped, {total - len(results)} left.")
    show_skipped(results)
