"""What retry, discard and replay share: choosing, counting first, asking, pacing, reporting."""

from __future__ import annotations

import getpass
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from typing import Any, TypeVar

import click

from payments.cli.filters import build_filter, filter_options
from payments.cli.output import show_json, show_table
from payments.database import snapshot
from payments.errors import InvalidQuery
from payments.events import MAX_ID, describe, get_event
from payments.operations import Actor, ItemResult, freeze

F = TypeVar("F", bound=Callable[..., Any])
Act = Callable[[Iterable[int]], Iterator[ItemResult]]
SAMPLE = 5
SAMPLE_COLUMNS = ("id", "provider", "event_type", "event_id", "last_error")


def bulk_options(command: F) -> F:
    """IDS or filters, `--all`, `--dry-run`, `--yes`, `--rate`, `--reason`, `--json`."""
    for option in (
        click.option("--json", "as_json", is_flag=True, help="print the results as JSON"),
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


def choose(options: dict[str, Any], **fixed: Any) -> list[int]:
    """The events that are meant: the ids as given, or those that the filter matches now."""
    ids: tuple[int, ...] = options["ids"]
    which = build_filter(options, **fixed)
    filtered = build_filter(options) != build_filter(dict.fromkeys(options))
    if ids and (filtered or options["everything"]):
        raise click.UsageError("Give ids or a filter, not both.")
    if ids:
        return list(dict.fromkeys(ids))
    if not filtered and not options["everything"]:
        raise click.UsageError("Give ids or a filter; --all if every one of them is meant.")
    try:
        with snapshot() as session:
            return freeze(session, which, confirmed=options["everything"])
    except InvalidQuery as error:
        raise click.UsageError(str(error)) from None


def preview(ids: list[int], verb: str) -> None:
    """How many, and a few of them."""
    click.echo(f"{len(ids)} event{'s' * (len(ids) != 1)} would be {verb}.")
    with snapshot() as session:
        found = []
        for id in ids[:SAMPLE]:
            try:
                found.append(describe(get_event(session, id)))
            except Exception as error:
                click.echo(f"{id}: {error}")
    show_table(found, SAMPLE_COLUMNS, empty="")
    if len(ids) > SAMPLE:
        click.echo(f"… and {len(ids) - SAMPLE} more.")


def run(ids: list[int], act: Act, verb: str, options: dict[str, Any]) -> None:
    """Count, ask, do at the given rate with a progress bar, and report.

    Interrupting is safe: what is done is done, and running it again does the rest. Exits with 1
    where an event that was named by its id was not done.
    """
    if not ids:
        show_json([]) if options["as_json"] else click.echo("Nothing matches.")
        return
    if options["dry_run"]:
        preview(ids, verb)
        return
    if not options["yes"] and not options["ids"]:
        preview(ids, verb)
        click.confirm("Go on?", abort=True)
    results: list[ItemResult] = []
    try:
        with click.progressbar(length=len(ids), label=verb, file=sys.stderr) as bar:
            for result in act(paced(ids, options["rate"])):
                results.append(result)
                bar.update(1)
    except InvalidQuery as error:
        raise click.UsageError(str(error)) from None
    finally:
        _report(results, len(ids), verb, as_json=options["as_json"])
    if options["ids"] and not all(result.done for result in results):
        raise SystemExit(1)


def paced(ids: Iterable[int], per_second: float) -> Iterator[int]:
    """The ids, at most so many a second."""
    next_at = time.monotonic()
    for id in ids:
        time.sleep(max(0.0, next_at - time.monotonic()))
        next_at = max(next_at, time.monotonic() - 1) + 1 / per_second
        yield id


def actor() -> Actor:
    """Who sits at this terminal."""
    try:
        return Actor(name=f"cli:{getpass.getuser()}")
    except (KeyError, OSError):  # a container's user may have no name
        return Actor(name="cli")


def _report(results: list[ItemResult], total: int, verb: str, *, as_json: bool) -> None:
    if as_json:
        show_json([vars(result) for result in results])
        return
    done = sum(result.done for result in results)
    click.echo(f"{done} {verb}, {len(results) - done} skipped, {total - len(results)} left.")
    for result in results:
        if not result.done:
            click.echo(f"  {result.event_id}: {result.outcome}")
