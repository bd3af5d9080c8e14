"""`flask reconcile run`: compare events with the providers' lists, and fetch what is missing."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, NoReturn

import click
from flask.cli import with_appcontext

from payments.cli.bulk import actor
from payments.cli.filters import Moment
from payments.cli.output import progress, show_json, show_table
from payments.extensions import settings
from payments.models import utc_now
from payments.plain_csv import csv_lines
from payments.reconciliation.coverage import Covered, reconcile_events
from payments.reconciliation.coverage_due import window_of
from payments.reconciliation.coverage_words import verdict_on
from payments.reconciliation.event_sources import Asked, sources_with_key
from payments.reconciliation.hours import HOUR, hour_of
from payments.reconciliation.locks import only_run
from payments.reconciliation.runs import Window

COLUMNS = (
    "provider", "account", "hour", "state", "theirs", "ours", "processed", "missing",
)  # fmt: skip
MISSING_COLUMNS = ("subject", "expected")
MOST_MISSING_SHOWN = 20
MOST_HOURS = 90 * 24
NOT_COMPLETE, CANNOT_RUN = 1, 3


@click.command("run")
@click.option("--hours", type=click.IntRange(1, MOST_HOURS), default=24, show_default=True)
@click.option("--since", type=Moment(), help="instead of --hours: from this time on, a full hour")
@click.option("--until", type=Moment(), help="with --since: up to this time; default: now")
@click.option("--provider", help="stripe or paypal; default: all that have a key")
@click.option("--account", help="default: all that have a key, and connected accounts")
@click.option("--up-to-now", is_flag=True, help="do not wait for providers that lag")
@click.option("--dry-run", is_flag=True, help="compare and show; fetch and keep nothing")
@click.option("--json", "as_json", is_flag=True, help="print JSON")
@click.option("--csv", "csv_file", type=click.File("w"), help="write the hours as CSV; - prints")
@with_appcontext
def run(
    hours: int,
    since: datetime | None,
    until: datetime | None,
    provider: str | None,
    account: str | None,
    up_to_now: bool,
    dry_run: bool,
    as_json: bool,
    csv_file: Any,
) -> None:
    """Compare the events of each hour with the provider's, and fetch those that are missing.

    Exits with 0 where all is here, 1 where something is missing or was not seen, 2 for wrong
    usage, 3 where there is no key to ask with or another run goes on.

    \b
    Examples:
      flask --app wsgi reconcile run --hours 48 --provider stripe --dry-run
      flask --app wsgi reconcile run --since 2026-03-08T10:00 --until 2026-03-08T12:00
    """
    now = utc_now()
    if until and not since:
        raise click.UsageError("--until wants --since.")
    between = _between(since, until, now) if since else None
    done, locked = [], []
    for asked in _chosen(provider, account):
        window = window_of(asked, now, hours, up_to_now=up_to_now)
        if between:
            window = Window(start=between[0], end=max(min(between[1], window.end), between[0]))
        covered = _run(asked, window, dry_run=dry_run)
        done += [covered] if covered else []
        locked += [] if covered else [asked]
    _show(done, as_json=as_json, csv_file=csv_file)
    for asked in locked:
        click.echo(f"{asked.source}: another run goes on; try again later.", err=True)
    if locked:
        raise SystemExit(CANNOT_RUN)
    if not all(covered.is_complete for covered in done):
        raise SystemExit(NOT_COMPLETE)


def _chosen(provider: str | None, account: str | None) -> list[Asked]:
    known = sources_with_key(settings())
    chosen = [
        asked
        for source, asked in known.items()
        if provider in (None, source.provider) and account in (None, source.account)
    ]
    if not chosen:
        if provider is not None and provider not in settings().providers:
            names = ", ".join(settings().providers)
            raise click.UsageError(f"--provider: there is no such provider; use one of {names}.")
        _refuse(
            "There is no key to ask with: set STRIPE_API_KEY, or PAYPAL_CLIENT_ID and "
            "PAYPAL_CLIENT_SECRET (with a suffix __ACCOUNT for another account)."
        )
    return chosen


def _refuse(why: str) -> NoReturn:
    click.echo(f"Error: {why}", err=True)
    raise SystemExit(CANNOT_RUN)


def _between(since: datetime, until: datetime | None, now: datetime) -> tuple[datetime, datetime]:
    """Full hours around what was asked for; the end is not in the future."""
    start, end = hour_of(since), until or now
    end = end if end == hour_of(end) else hour_of(end) + HOUR
    if start >= min(end, now):
        raise click.UsageError("--since: it is not before --until, or in the future.")
    if now - start > timedelta(hours=MOST_HOURS):
        raise click.UsageError(f"--since: it is more than {MOST_HOURS // 24} days ago.")
    return start, min(end, now.replace(microsecond=0))


def _run(asked: Asked, window: Window, *, dry_run: bool) -> Covered | None:
    hours = -((window.start - window.end) // HOUR)
    with only_run(asked.source) as ours:
        if not ours:
            return None
        with progress(str(asked.source), hours) as on_hour:
            return reconcile_events(
                asked,
                window,
                actor=actor().name,
                max_per_second=settings().reconcile_max_per_second,
                dry_run=dry_run,
                on_hour=on_hour,
            )


def _show(done: Sequence[Covered], *, as_json: bool, csv_file: Any) -> None:
    rows = [_row(covered, seen) for covered in done for seen in covered.hours]
    if csv_file is not None:
        csv_file.writelines(csv_lines(rows, COLUMNS))
    if as_json:
        show_json([_described(covered) for covered in done])
    elif csv_file is None or csv_file is not sys.stdout:
        show_table(rows, COLUMNS, empty="No hour was seen.")
        for covered in done:
            _show_missing(covered)
            click.echo(verdict_on(covered))


def _show_missing(covered: Covered) -> None:
    if covered.missing:
        fetched = "" if covered.run["dry_run"] else ", before they were fetched"
        click.echo(f"\nMissing here{fetched}:")
        shown = covered.missing[:MOST_MISSING_SHOWN]
        show_table([vars(it) for it in shown], MISSING_COLUMNS, empty="")
        if more := len(covered.missing) - len(shown):
            click.echo(f"And {more:,} more; --json lists all.")
        click.echo()


def _row(covered: Covered, seen: Any) -> dict[str, Any]:
    return {
        "provider": covered.run["provider"],
        "account": covered.run["account"],
        **vars(seen),
    }


def _described(covered: Covered) -> dict[str, Any]:
    return {
        **covered.run,
        "verdict": verdict_on(covered),
        "hours": [vars(it) for it in covered.hours],
        "missing_events": [{"event_id": it.subject, "what": it.expected} for it in covered.missing],
    }
