"""`flask events list|show`"""

from __future__ import annotations

from typing import Any

import click
from flask.cli import AppGroup

from payments.cli.output import show_fields, show_json, show_table
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

events = AppGroup("events", help="Look at the events that were kept.")

LIST_COLUMNS = (
    "id", "received_at", "status", "provider", "event_type", "event_id", "attempts", "last_error"
)  # fmt: skip
HISTORY_COLUMNS = ("number", "started_at", "finished_at", "outcome", "error_type", "error_message")
CONFLICT_COLUMNS = ("id", "received_at", "event_type", "object_id", "sha256")


@events.command("list")
@click.option("--provider", help="stripe or paypal")
@click.option("--account", help='"default", or the account of the endpoint or event')
@click.option("--status", type=click.Choice(STATUSES))
@click.option("--type", "event_type", help="event type; * stands for any characters")
@click.option("--object-id", help="the provider's id of the object the event is about")
@click.option("--conflicts/--no-conflicts", default=None, help="only with (without) conflicts")
@click.option("--limit", type=click.IntRange(1, MAX_LIMIT), default=DEFAULT_LIMIT)
@click.option("--before", type=int, help="only events whose id is below this one")
@click.option("--json", "as_json", is_flag=True, help="print JSON")
def list_command(
    event_type: str | None, limit: int, before: int | None, as_json: bool, **filters: Any
) -> None:
    """List events, newest first.

    \b
    Examples:
      flask --app wsgi events list --status dead
      flask --app wsgi events list --type 'charge.*' --limit 10 --json
    """
    try:
        which = EventFilter(type=event_type, **filters)
        with snapshot() as session:
            page = list_events(session, which, limit=limit, before=before)
            rows = [describe(event) for event in page.events]
    except ClientError as error:
        raise click.UsageError(str(error)) from None
    if as_json:
        show_json(rows)
        return
    show_table(rows, LIST_COLUMNS, empty="No events match.")
    if page.next_cursor is not None:
        click.echo(f"More: --before {page.next_cursor}")


@events.command("show")
@click.argument("id", type=int)
@click.option("--json", "as_json", is_flag=True, help="print JSON")
def show_command(id: int, as_json: bool) -> None:
    """Show one event with its attempts. ID is the number in the first column of the list."""
    try:
        with snapshot() as session:
            event = describe_whole(get_event(session, id))
    except ClientError as error:
        raise click.ClickException(str(error)) from None
    if as_json:
        show_json(event)
        return
    history, conflicting = event.pop("history"), event.pop("conflicting")
    show_fields(event)
    click.echo("\nAttempts")
    show_table(history, HISTORY_COLUMNS, empty="None yet.")
    if conflicting:
        click.echo("\nConflicting deliveries with the same event id")
        show_table(conflicting, CONFLICT_COLUMNS, empty="")
