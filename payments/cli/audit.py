"""`flask audit`: what operators did, and why."""

from __future__ import annotations

from typing import Any

import click
from flask.cli import with_appcontext

from payments.audit_log import COLUMNS, AuditFilter, all_audit, list_audit
from payments.cli.filters import Moment
from payments.cli.listing import Listing, takes_listing

SHOWN = ("id", "at", "actor", "action", "event_id", "operation_id", "reason", "outcome")


@click.command("audit")
@click.option("--actor", help="an admin token's name, or cli: and a user's")
@click.option("--action", help="what was done, as in dlq.retry")
@click.option("--event-id", type=int, help="the event's key")
@click.option("--finding-id", type=int, help="the finding's key")
@click.option("--operation-id", type=int, help="the bulk operation's key")
@click.option("--since", type=Moment(), help="done at or after this time")
@click.option("--until", type=Moment(), help="done before this time")
@takes_listing
@with_appcontext
def audit(listing: Listing, **which: Any) -> None:
    """List what operators did, newest first.

    \b
    Examples:
      flask --app wsgi audit --action dlq.discard --since 7d
      flask --app wsgi audit --all --csv > audit.csv
    """
    listing.show(
        lambda session, limit, before: list_audit(session, AuditFilter(**which), limit, before),
        lambda session, before: all_audit(session, AuditFilter(**which), before),
        shown=SHOWN,
        columns=COLUMNS,
        empty="Nothing matches.",
    )
