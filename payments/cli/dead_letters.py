"""`flask dlq list|show|count|groups|retry|discard`"""

from __future__ import annotations

from typing import Any

import click
from flask.cli import AppGroup

from payments.actions import DISCARD, RETRY
from payments.cli.bulk import EXIT_CODES, bulk_options, run
from payments.cli.bulk_operations import refusals
from payments.cli.events import show_list, show_one
from payments.cli.filters import build_filter, filter_options
from payments.cli.groups import groups_command, run_for_group
from payments.database import snapshot
from payments.events import DEFAULT_LIMIT, MAX_LIMIT, MOST_COUNTED, count_events
from payments.models import DEAD

dlq = AppGroup("dlq", help="Look at dead letters, retry them, or give them up.")
dlq.add_command(groups_command)
of_group = click.option(
    "--group", type=int, help="all dead ones of this group, as a bulk operation"
)


@dlq.command("list")
@filter_options
@click.option("--limit", type=click.IntRange(1, MAX_LIMIT), default=DEFAULT_LIMIT)
@click.option("--before", type=int, help="only events whose id is below this one")
@click.option("--json", "as_json", is_flag=True, help="print JSON")
def list_command(limit: int, before: int | None, as_json: bool, **options: Any) -> None:
    """List dead letters, newest first.

    \b
    Examples:
      flask --app wsgi dlq list --error 'ConnectionError'
      flask --app wsgi dlq list --since 2026-01-31T03:00:00Z --json
    """
    show_list(build_filter(options, status=DEAD), limit, before, as_json)


@dlq.command("show")
@click.argument("id", type=int)
@click.option("--json", "as_json", is_flag=True, help="print JSON")
def show_command(id: int, as_json: bool) -> None:
    """Show one dead letter with its attempts."""
    show_one(id, as_json)


@dlq.command("count")
@filter_options
def count_command(**options: Any) -> None:
    """Print how many dead letters match; 100000 stands for that many or more."""
    which = build_filter(options, status=DEAD)
    with refusals(), snapshot() as session:
        click.echo(count_events(session, which, most=MOST_COUNTED))


@dlq.command("retry", epilog=EXIT_CODES)
@bulk_options
@of_group
def retry_command(group: int | None, **options: Any) -> None:
    """Retry dead letters, each with a full new budget of attempts.

    A group is retried by a bulk operation: the first five go alone, and it stops where they fail.
    It wants a --reason.

    \b
    Examples:
      flask --app wsgi dlq retry 17 18
      flask --app wsgi dlq retry --type 'charge.*' --error timeout --dry-run
      flask --app wsgi dlq retry --all --yes --rate 20
      flask --app wsgi dlq retry --group 4 --reason 'the warehouse is back'
    """
    if group is None:
        run(RETRY, "retried", options)
    else:
        run_for_group(group, "retry", "retried", options)


@dlq.command("discard", epilog=EXIT_CODES)
@bulk_options
@of_group
def discard_command(group: int | None, **options: Any) -> None:
    """Give dead letters up for good. Wants a --reason.

    \b
    Example:
      flask --app wsgi dlq discard 17 --reason 'test order, cancelled by hand'
    """
    if group is None:
        run(DISCARD, "discarded", options)
    else:
        run_for_group(group, "discard", "discarded", options)
