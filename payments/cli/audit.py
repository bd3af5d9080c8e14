"""`flask audit`: what operators did, and why."""

from __future__ import annotations

from typing import Any

import click
from flask.cli import with_appcontext

from payments.audit_log import COLUMNS, AuditFilter, all_audit, list_audit
from payments.cli.filters import Moment
from payments.cli.output import show_json, show_page
from payments.database import snapshot
from payments.errors import ClientError
from payments.models import columns_of
from payments.pages import DEFAULT_LIMIT, MAX_ID, MAX_LIMIT
from payments.plain_csv import csv_lines

SHOWN = ("id", "at", "actor", "action", "event_id", "operation_id", "reason", "outcome")


@click.command("audit")
@click.option("--actor", help="an admin token's name, or cli: and a user's")
@click.option("--action", help="what was done, as in dlq.retry")
@click.option("--event-id", type=int, help="the event's key")
@click.option("--finding-id", type=int, help="the finding's key")
@click.option("--operation-id", type=int, help="the bulk operation's key")
@click.option("--since", type=Moment(), help="done at or after this time")
@click.option("--until", type=Moment(), help="done before this time")
@click.option("--limit", type=click.IntRange(1, MAX_LIMIT), default=DEFAULT_LIMIT)
@click.option("--before", type=click.IntRange(1, MAX_ID), help="only those with a smaller id")
@click.option("--all", "everything", is_flag=True, help="not a page of them, but all")
@click.option("--json", "as_json", is_flag=True, help="print JSON")
@click.option("--csv", "as_csv", is_flag=True, help="print CSV")
@with_appcontext
def audit(
    limit: int, before: int | None, everything: bool, as_json: bool, as_csv: bool, **which: Any
) -> None:
    """List what operators did, newest first.

    \b
    Examples:
      flask --app wsgi audit --action dlq.discard --since 7d
      flask --app wsgi audit --all --csv > audit.csv
    """
    if as_json and as_csv:
        raise click.UsageError("Give --json or --csv, not both.")
    try:
        chosen = AuditFilter(**which)
        with snapshot() as session:
            if everything:
                found, cursor = list(all_audit(session, chosen, before)), None
            else:
                page = list_audit(session, chosen, limit, before)
                found, cursor = list(page.rows), page.next_cursor
            rows = [columns_of(line) for line in found]
    except ClientError as error:
        raise click.UsageError(str(error)) from None
    if as_json:
        show_json(rows)
    elif as_csv:
        click.echo("".join(csv_lines(rows, COLUMNS)), nl=False)
    else:
        show_page(rows, SHOWN, cursor, empty="Nothing matches.")
