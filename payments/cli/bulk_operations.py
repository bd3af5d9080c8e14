"""`flask bulk list|show|confirm|cancel|retry-failed`, and what follows an operation to its end."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import click
from flask.cli import AppGroup

from payments import bulk
from payments.bulk import MOST_WITHOUT_COUNT, OperationView
from payments.cli.bulk import actor
from payments.cli.interruption import EXIT_CODE
from payments.cli.output import show_fields, show_json, show_page, show_table
from payments.database import snapshot
from payments.errors import ClientError
from payments.events import DEFAULT_LIMIT, MAX_LIMIT
from payments.models import ITEM_STATES, RUNNING, SKIPPED
from payments.queueing import job_queue

POLL_SECONDS = 0.5
MOST_LISTED = 20
LIST_COLUMNS = (
    "id", "created_at", "action", "state", "total", "done", "failed", "skipped", "left",
    "created_by", "scope",
)  # fmt: skip
ITEM_COLUMNS = ("event_id", "state", "outcome")
SHAPE_COLUMNS = ("count", "shape", "samples")

operations = AppGroup("bulk", help="Look at operations on many events, run them, or end them.")


@operations.command("list")
@click.option("--limit", type=click.IntRange(1, MAX_LIMIT), default=DEFAULT_LIMIT)
@click.option("--before", type=int, help="only operations whose id is below this one")
@click.option("--json", "as_json", is_flag=True, help="print JSON")
def list_command(limit: int, before: int | None, as_json: bool) -> None:
    """List bulk operations, newest first."""
    with refusals(), snapshot() as session:
        page = bulk.list_operations(session, limit=limit, before=before)
    if as_json:
        show_json(page.describe())
        return
    empty = "There was no bulk operation yet."
    show_page(page.describe(), LIST_COLUMNS, page.next_cursor, empty=empty)


@operations.command("show")
@click.argument("id", type=int)
@click.option("--items", type=click.Choice(ITEM_STATES), help="list the items of this state")
@click.option("--follow", is_flag=True, help="wait for its end, and show the progress")
@click.option("--json", "as_json", is_flag=True, help="print JSON")
def show_command(id: int, items: str | None, follow: bool, as_json: bool) -> None:
    """Show one with its progress, what dry runs have foreseen, and items that were skipped.

    \b
    Examples:
      flask --app wsgi bulk show 7 --follow
      flask --app wsgi bulk show 7 --items failed --json
    """
    if follow:
        follow_operation(id)
    shown = view(id)
    with refusals(), snapshot() as session:
        page = bulk.list_items(session, id, state=items or SKIPPED, limit=MAX_LIMIT)
    if as_json:
        show_json({**shown.describe(), "items": page.describe()})
        return
    show_operation(shown)
    if page.items:
        click.echo(f"\nItems that are {items or SKIPPED}")
        show_table(page.describe()[:MOST_LISTED], ITEM_COLUMNS, empty="")
        if len(page.items) > MOST_LISTED:
            click.echo("… and more: --json shows up to 500.")


@operations.command("confirm")
@click.argument("id", type=int)
@click.option("--reason", required=True, help="why; kept in the audit log")
@click.option("--count", type=int, help="how many events it is about; needed above 50")
def confirm_command(id: int, reason: str, count: int | None) -> None:
    """Let a preview run, or one that has stopped go on with what is left."""
    with refusals():
        bulk.confirm(id, actor(), job_queue(), reason=reason, count=count)
    click.echo(f"Bulk operation {id} runs. The first five go alone.")


@operations.command("cancel")
@click.argument("id", type=int)
@click.option("--reason", help="why; kept in the audit log")
def cancel_command(id: int, reason: str | None) -> None:
    """End one after what is in flight."""
    with refusals():
        bulk.cancel(id, actor(), reason=reason)
    show_progress(view(id))


@operations.command("retry-failed")
@click.argument("id", type=int)
def retry_failed_command(id: int) -> None:
    """Make a new operation of the events that have failed in this one. It waits for `confirm`."""
    with refusals():
        new = bulk.create_from_failed(id, actor(), job_queue())
    click.echo(f"Bulk operation {new} is a preview: bulk show {new}, then bulk confirm {new}.")


def preview_and_run(operation_id: int, verb: str, options: dict[str, Any]) -> None:
    """Show the preview, ask, confirm, and follow the operation until it runs no more.

    Exits with 1 where not all was done. All but the result goes to stderr.
    """
    if options["dry_run"] or not options["yes"]:
        wait_for_rehearsal(operation_id)
    shown = view(operation_id)
    if options["dry_run"]:
        show_json(shown.describe()) if options["as_json"] else show_operation(shown)
        return
    if not options["yes"]:
        show_operation(shown, err=True)
        _ask(operation_id, shown.row.left, verb)
    with refusals():
        bulk.confirm(
            operation_id,
            actor(),
            job_queue(),
            reason=options["reason"],
            count=shown.row.left,
        )
    ended = follow_operation(operation_id)
    show_json(ended.describe()) if options["as_json"] else show_progress(ended)
    if ended.row.done < ended.row.total:
        raise SystemExit(1)


def require_terminal() -> None:
    """Before anything is made: there must be somebody who can be asked."""
    if not sys.stdin.isatty():
        raise click.UsageError(
            "There is no terminal to ask at, so nothing was done. Look with --dry-run; "
            "give --yes if it is meant."
        )


def _ask(operation_id: int, count: int, verb: str) -> None:
    if count <= MOST_WITHOUT_COUNT:
        agreed = click.confirm(f"Shall they be {verb}?", err=True)
    else:
        question = f"Type their number, {count}, and they are {verb}"
        agreed = click.prompt(question, err=True) == str(count)
    if not agreed:
        with refusals():
            bulk.cancel(operation_id, actor(), reason="not confirmed at the terminal")
        click.echo("Nothing was done.", err=True)
        raise SystemExit(1)


def wait_for_rehearsal(operation_id: int) -> None:
    """Until the dry runs have ended; an interrupt goes on without the others."""
    said = ""
    try:
        while (shown := view(operation_id)).row.rehearsal_ended_at is None:
            said = _say(f"dry runs: {shown.tried} of {shown.samples}", said)
            time.sleep(POLL_SECONDS)
    except KeyboardInterrupt:
        click.echo("Going on without the other dry runs.", err=True)


def follow_operation(operation_id: int) -> OperationView:
    """Show its progress until it runs no more. It goes on when this is interrupted."""
    said = ""
    try:
        while (shown := view(operation_id)).row.state == RUNNING:
            said = _say(progress_of(shown), said)
            time.sleep(POLL_SECONDS)
    except KeyboardInterrupt:
        click.echo(f"It goes on: bulk show {operation_id} --follow", err=True)
        raise SystemExit(EXIT_CODE) from None
    return shown


def view(operation_id: int) -> OperationView:
    with refusals(), snapshot() as session:
        return bulk.get_operation(session, operation_id)


def show_operation(shown: OperationView, *, err: bool = False) -> None:
    fields = shown.describe()
    rehearsal, summary = fields.pop("rehearsal"), fields.pop("summary")
    skipped = ", ".join(f"{it['items']} × {it['outcome']}" for it in summary["skipped"])
    show_fields({**fields, **summary_in_words(summary), "unfit": skipped or None}, err=err)
    if rehearsal["shapes"]:
        click.echo(f"\nDry runs of {rehearsal['tried']} of {shown.row.total} events", err=err)
        show_table(rehearsal["shapes"], SHAPE_COLUMNS, empty="", err=err)


def show_progress(shown: OperationView) -> None:
    click.echo(progress_of(shown))
    if shown.row.stop_reason:
        click.echo(f"It stopped: {shown.row.stop_reason}.")


def progress_of(shown: OperationView) -> str:
    row = shown.row
    return (
        f"{row.action} {row.id} is {row.state}: {row.done} done, {row.failed} failed, "
        f"{row.skipped} skipped, {row.in_flight} in flight, {row.left} left."
    )


def summary_in_words(summary: dict[str, Any]) -> dict[str, str]:
    """Amounts in minor units, as everywhere; currencies are never added up."""
    value = ", ".join(f"{amount} {currency}" for currency, amount in summary["value"].items())
    types = ", ".join(f"{it['items']} {it['event_type']}" for it in summary["types"])
    return {"payments": str(summary["payments"]), "value": value or "-", "types": types or "-"}


@contextmanager
def refusals() -> Iterator[None]:
    """What a service refuses is an error of one line."""
    try:
        yield
    except ClientError as error:
        raise click.ClickException(str(error)) from None


def _say(line: str, said: str) -> str:
    """Say it unless it was said last."""
    if line != said:
        click.echo(line, err=True)
    return line
