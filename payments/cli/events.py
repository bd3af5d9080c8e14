"""`flask events list|show|payload|replay`"""

from __future__ import annotations

from typing import Any

import click
from flask.cli import AppGroup

from payments.actions import REPLAY
from payments.cli.bulk import (
    EXIT_CODES,
    bulk_options,
    choose,
    leave,
    nothing_done_if_interrupted,
    run,
)
from payments.cli.dry_run import show_rehearsal
from payments.cli.filters import build_filter, filter_options
from payments.cli.interruption import interruptible
from payments.cli.output import progress, show_fields, show_json, show_page, show_table
from payments.cli.payloads import payload_command
from payments.database import snapshot
from payments.errors import ClientError
from payments.events import (
    DEFAULT_LIMIT,
    MAX_LIMIT,
    EventFilter,
    describe,
    describe_whole,
    get_event,
    list_events,
)
from payments.models import STATUSES
from payments.rehearsal import Rehearsal

events = AppGroup("events", help="Look at the events that were kept, and replay them.")
events.add_command(payload_command)

LIST_COLUMNS = (
    "id", "received_at", "status", "provider", "event_type", "event_id", "attempts", "last_error"
)  # fmt: skip
HISTORY_COLUMNS = ("number", "started_at", "finished_at", "outcome", "error_type", "error_message")
CONFLICT_COLUMNS = ("id", "received_at", "event_type", "object_id", "sha256")
EFFECT_COLUMNS = ("key", "done_at")
AUDIT_COLUMNS = ("at", "actor", "action", "outcome", "reason")


@events.command("list")
@filter_options
@click.option("--status", type=click.Choice(STATUSES))
@click.option("--limit", type=click.IntRange(1, MAX_LIMIT), default=DEFAULT_LIMIT)
@click.option("--before", type=int, help="only events whose id is below this one")
@click.option("--json", "as_json", is_flag=True, help="print JSON")
def list_command(
    status: str | None,
    limit: int,
    before: int | None,
    as_json: bool,
    **options: Any,
) -> None:
    """List events, newest first.

    \b
    Examples:
      flask --app wsgi events list --status dead
      flask --app wsgi events list --type 'charge.*' --limit 10 --json
    """
    which = build_filter(options, status=status)
    show_list(which, limit, before, as_json)


@events.command("show")
@click.argument("id", type=int)
@click.option("--json", "as_json", is_flag=True, help="print JSON")
def show_command(id: int, as_json: bool) -> None:
    """Show one event with its attempts. ID is the number in the first column of the list."""
    show_one(id, as_json)


@events.command("replay", epilog=EXIT_CODES)
@bulk_options
@click.option("--status", type=click.Choice(STATUSES), help="only events with this status")
def replay_command(**options: Any) -> None:
    """Process events again, processed ones too, with the handlers of today.

    What a handler did through `effects.once` is not done again; its writes to the database are.

    \b
    Examples:
      flask --app wsgi events replay 17 --dry-run
      flask --app wsgi events replay --status dead --type 'charge.refunded'
    """
    if options["dry_run"]:
        rehearse(options)
    else:
        run(REPLAY, "replayed", options)


def rehearse(options: dict[str, Any]) -> None:
    """Dry-run each event: a few are shown whole, all are counted by their outcome."""
    with nothing_done_if_interrupted(as_json=options["as_json"]):
        rehearsal = Rehearsal.of(choose(REPLAY, options))
    with interruptible() as interruption, progress("dry run", len(rehearsal.ids)) as step:
        for id in interruption.paced(list(rehearsal.ids), options["rate"]):
            rehearsal.run([id])
            step()
    if options["as_json"]:
        show_json(rehearsal.describe())
    else:
        show_rehearsal(rehearsal)
    leave(options, all_done=not rehearsal.skipped, interrupted=interruption.asked)


def show_list(which: EventFilter, limit: int, before: int | None, as_json: bool) -> None:
    try:
        with snapshot() as session:
            page = list_events(session, which, limit=limit, before=before)
            rows = [describe(event) for event in page.rows]
    except ClientError as error:
        raise click.UsageError(str(error)) from None
    if as_json:
        show_json(rows)
        return
    show_page(rows, LIST_COLUMNS, page.next_cursor, empty="No events match.")


def show_one(id: int, as_json: bool) -> None:
    try:
        with snapshot() as session:
            event = describe_whole(session, get_event(session, id))
    except ClientError as error:
        raise click.ClickException(str(error)) from None
    if as_json:
        show_json(event)
        return
    lists = {name: event.pop(name) for name in ("history", "conflicting", "effects", "audit")}
    if payment := event["payment"]:
        event["payment"] = "{id} ({payment_id}, {status})".format_map(payment)
    show_fields(event)
    click.echo("\nAttempts")
    show_table(lists["history"], HISTORY_COLUMNS, empty="None yet.")
    if lists["conflicting"]:
        click.echo("\nConflicting deliveries with the same event id")
        show_table(lists["conflicting"], CONFLICT_COLUMNS, empty="")
    if lists["effects"]:
        click.echo("\nEffects outside of the database")
        show_table(lists["effects"], EFFECT_COLUMNS, empty="")
    if lists["audit"]:
        click.echo("\nWhat operators did")
        show_table(lists["audit"], AUDIT_COLUMNS, empty="")
