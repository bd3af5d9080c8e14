"""Showing a dry run to people."""

from __future__ import annotations

from collections.abc import Iterator

import click

from payments.cli.bulk import show_skipped
from payments.cli.output import show_table
from payments.dry_run import DryRun, TableChange
from payments.dry_run.result import Shown
from payments.rehearsal import Rehearsal

MARKS = {"insert": "+", "update": "~", "delete": "-"}
COLUMNS = ("", "table", "row", "field", "now", "after")
COUNT_COLUMNS = ("table", "+ inserted", "~ updated", "- deleted")


def show_rehearsal(rehearsal: Rehearsal) -> None:
    """The first dry runs whole, all of them counted, and the events that would be skipped."""
    for result in rehearsal.shown:
        show_dry_run(result)
        click.echo()
    counts = [f"{count} × {outcome}" for outcome, count in rehearsal.outcomes.most_common()]
    counts += [f"{len(rehearsal.skipped)} skipped"] if rehearsal.skipped else []
    counts += [f"{rehearsal.left} left"] if rehearsal.left else []
    total = len(rehearsal.ids) + len(rehearsal.skipped)
    summary = ", ".join(counts) or "nothing matches"
    click.echo(f"{total} event{'s' * (total != 1)}: {summary}.")
    show_skipped(rehearsal.skipped)


def show_dry_run(result: DryRun) -> None:
    """The outcome, each field that would change, effects that were not done, and warnings."""
    click.echo(f"Dry run of event {result.event_id}: {result.outcome}. Nothing was changed.")
    if result.error:
        click.echo(_printable(result.error))
    if result.changes:
        click.echo()
        show_table([row for change in result.changes for row in _rows(change)], COLUMNS, empty="")
    if result.changed_rows > len(result.changes):
        click.echo()
        show_table(_counts(result), COUNT_COLUMNS, empty="")
    if result.effects:
        click.echo("\nEffects outside, not done by this dry run")
    for effect in result.effects:
        known = "would do" if effect.done_at is None else f"already done at {effect.done_at:%F %TZ}"
        click.echo(f"  {_printable(effect.key)}: {known}")
    if result.warnings:
        click.echo()
    for warning in result.warnings:
        click.echo(f"warning: {_printable(warning)}")


def _rows(change: TableChange) -> Iterator[dict[str, str]]:
    """A line for each field; what identifies the row stands in the first."""
    key = ", ".join(f"{name}={_text(value)}" for name, value in change.key.items())
    first = {"": MARKS[change.kind], "table": change.table, "row": _printable(key)}
    for name, (before, after) in change.columns.items():
        yield {
            **(first or {"": "", "table": "", "row": ""}),
            "field": _printable(name),
            "now": "" if change.kind == "insert" else _text(before),
            "after": "" if change.kind == "delete" else _text(after),
        }
        first = {}


def _counts(result: DryRun) -> list[dict[str, str]]:
    return [
        {
            "table": count.table if count.exact else f"{count.table} (about)",
            "+ inserted": str(count.inserts),
            "~ updated": str(count.updates),
            "- deleted": str(count.deletes),
        }
        for count in result.counts
    ]


def _text(value: Shown) -> str:
    if value is None:
        return "NULL"
    return _printable(value) if value != "" else "''"


def _printable(value: Shown) -> str:
    """Without the characters that would command the terminal: values come from outside."""
    text = str(value)
    return "".join(c if c.isprintable() else repr(c)[1:-1] for c in text)
