"""`flask reconcile findings|sign-off|runs`"""

from __future__ import annotations

from typing import Any

import click
from flask.cli import with_appcontext

from payments.cli.bulk import actor
from payments.cli.listing import Listing, takes_listing
from payments.cli.output import show_json, show_page
from payments.database import snapshot
from payments.errors import ClientError
from payments.models import ReconciliationFinding, columns_of
from payments.models.reconciliation import (
    FINDING_SOURCES,
    FINDING_STATUSES,
    RUN_KINDS,
    RUN_STATUSES,
)
from payments.pages import DEFAULT_LIMIT, MAX_ID, MAX_LIMIT
from payments.reconciliation import findings as service
from payments.reconciliation.views import (
    FindingFilter,
    RunFilter,
    all_findings,
    list_findings,
    list_runs,
)

COLUMNS = ("id", "status", "provider", "account", "kind", "subject", "expected", "found")
RUN_COLUMNS = (
    "id", "kind", "provider", "account", "window_start", "window_end", "status", "theirs", "ours",
    "missing", "findings", "reason",
)  # fmt: skip
ALL_COLUMNS = tuple(ReconciliationFinding.__table__.columns.keys())


@click.command("findings")
@click.option("--provider", help="stripe or paypal")
@click.option("--account", help='"default", or the account of the endpoint or event')
@click.option("--source", type=click.Choice(FINDING_SOURCES), help="what found it")
@click.option("--kind", help="what kind of disagreement, as in amount_captured")
@click.option("--status", type=click.Choice(FINDING_STATUSES))
@click.option("--subject", help="the provider's id of the payment or event")
@takes_listing
@with_appcontext
def findings(listing: Listing, **which: Any) -> None:
    """List what does not agree, newest first.

    \b
    Examples:
      flask --app wsgi reconcile findings --status open
      flask --app wsgi reconcile findings --source money --all --csv > findings.csv
    """
    listing.show(
        lambda session, limit, before: list_findings(
            session, FindingFilter(**which), limit, before
        ),
        lambda session, before: all_findings(session, FindingFilter(**which), before),
        shown=COLUMNS,
        columns=ALL_COLUMNS,
        empty="No findings match.",
    )


@click.command("sign-off")
@click.argument("ids", nargs=-1, required=True, type=click.IntRange(1, MAX_ID))
@click.option("--reason", help="why; kept with the finding and in the audit log")
@click.option("--json", "as_json", is_flag=True, help="print JSON")
@with_appcontext
def sign_off(ids: tuple[int, ...], reason: str | None, as_json: bool) -> None:
    """Accept open findings as they are. Wants a --reason.

    A finding that is signed off opens again only when what it says changes. Exits with 1 where one
    of them could not be signed off.

    \b
    Example:
      flask --app wsgi reconcile sign-off 17 18 --reason 'refunded by hand, ticket 4711'
    """
    try:
        results = list(service.sign_off(ids, actor(), reason))
    except ClientError as error:
        raise click.UsageError(f"--{error}") from None
    if as_json:
        show_json([vars(result) for result in results])
    else:
        for result in results:
            click.echo(f"{result.finding_id}: {result.outcome}")
    if not all(result.done for result in results):
        raise SystemExit(1)


@click.command("runs")
@click.option("--provider", help="stripe or paypal")
@click.option("--account", help='"default", or the account of the endpoint')
@click.option("--kind", type=click.Choice(RUN_KINDS))
@click.option("--status", type=click.Choice(RUN_STATUSES))
@click.option("--limit", type=click.IntRange(1, MAX_LIMIT), default=DEFAULT_LIMIT)
@click.option("--before", type=click.IntRange(1, MAX_ID), help="only those with a smaller id")
@click.option("--json", "as_json", is_flag=True, help="print JSON")
@with_appcontext
def runs(limit: int, before: int | None, as_json: bool, **which: Any) -> None:
    """List the runs of reconciliation, newest first, and why those were cut short that were."""
    try:
        with snapshot() as session:
            page = list_runs(session, RunFilter(**which), limit, before)
            rows = [columns_of(run) for run in page.rows]
    except ClientError as error:
        raise click.UsageError(str(error)) from None
    if as_json:
        show_json(rows)
        return
    show_page(rows, RUN_COLUMNS, page.next_cursor, empty="No runs match.")
