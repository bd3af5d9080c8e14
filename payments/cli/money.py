"""`flask reconcile money`: compare payments with the providers' own objects, now."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import click
from flask.cli import with_appcontext

from payments.cli.bulk import actor
from payments.cli.output import progress, show_json, show_table
from payments.database import snapshot
from payments.extensions import settings
from payments.models import ReconciliationRun, utc_now
from payments.pages import MAX_ID
from payments.reconciliation.asked import Sides, all_sources, sides_of
from payments.reconciliation.counts import Source
from payments.reconciliation.locks import only_run
from payments.reconciliation.money import KIND, SLICE, Outcome, reconcile_money
from payments.reconciliation.runs import COMPLETE, INCOMPLETE, Window

COLUMNS = (
    "id", "provider", "account", "window_start", "window_end", "status", "theirs", "ours",
    "processed", "missing", "findings",
)  # fmt: skip
FOUND_COLUMNS = ("kind", "subject", "expected", "found")
MOST_HOURS = 30 * 24


@click.command("money")
@click.option("--hours", type=click.IntRange(1, MOST_HOURS), default=24, show_default=True)
@click.option("--provider", help="stripe or paypal; default: all that have a key")
@click.option("--account", help="default: all that have a key, and connected accounts")
@click.option("--resume", type=click.IntRange(1, MAX_ID), help="go on with this run instead")
@click.option("--up-to-now", is_flag=True, help="do not wait for providers that lag")
@click.option("--dry-run", is_flag=True, help="compare and show, and write no findings")
@click.option("--json", "as_json", is_flag=True, help="print JSON")
@with_appcontext
def money(
    hours: int,
    provider: str | None,
    account: str | None,
    resume: int | None,
    up_to_now: bool,
    dry_run: bool,
    as_json: bool,
) -> None:
    """Compare the amounts and the status of each payment with the provider's own objects.

    The window ends a little before now, because providers lag: Stripe by ten minutes, PayPal's
    list of transactions by three hours. Interrupting is safe; --resume goes on with
    a run that was cut short. Exits with 1 where something was not seen.

    \b
    Examples:
      flask --app wsgi reconcile money --hours 48 --provider stripe --dry-run
      flask --app wsgi reconcile money --resume 17
    """
    wanted = [_resumed(resume)] if resume else _wanted(provider, account, hours, up_to_now)
    outcomes = [_run(it, dry_run=dry_run) for it in wanted]
    _show(outcomes, as_json=as_json)
    if any(outcome.run["status"] == INCOMPLETE for outcome in outcomes):
        raise SystemExit(1)


@dataclass(frozen=True)
class Wanted:
    """One account's window; and the run that goes on with it, where it is not a new one."""

    source: Source
    sides: Sides
    window: Window
    resume: int | None = None


def _wanted(
    provider: str | None, account: str | None, hours: int, up_to_now: bool
) -> Iterator[Wanted]:
    known = all_sources(settings())
    chosen = [
        source
        for source in known
        if provider in (None, source.provider) and account in (None, source.account)
    ]
    if not chosen:
        raise click.UsageError(f"No such account; use one of {', '.join(map(str, known))}.")
    for source in [source for source in chosen if known[source]] or chosen:
        sides = _sides(source)
        end = utc_now() - (timedelta(0) if up_to_now else sides.lag)
        yield Wanted(source, sides, Window(start=end - timedelta(hours=hours), end=end))


def _resumed(id: int) -> Wanted:
    with snapshot() as session:
        run = session.get(ReconciliationRun, id)
    if run is None or run.kind != KIND or run.status == COMPLETE or run.dry_run:
        raise click.UsageError("--resume: there is no run of money with this id that could go on.")
    source = Source(run.provider, run.account)
    if source not in all_sources(settings()):
        raise click.UsageError(f"--resume: {source} is not configured any more.")
    window = Window(start=run.reached_at or run.window_start, end=run.window_end)
    return Wanted(source, _sides(source), window, run.id)


def _sides(source: Source) -> Sides:
    sides = sides_of(source, settings())
    if sides is None:
        raise click.ClickException(
            f"There is no key to ask with for {source}: set STRIPE_API_KEY, or PAYPAL_CLIENT_ID "
            "and PAYPAL_CLIENT_SECRET."
        )
    return sides


def _run(wanted: Wanted, *, dry_run: bool) -> Outcome:
    slices = -((wanted.window.start - wanted.window.end) // SLICE)
    with only_run(wanted.source) as ours:
        if not ours:
            raise click.ClickException(f"{wanted.source}: another run goes on; try again later.")
        with progress(str(wanted.source), slices) as on_slice:
            return reconcile_money(
                wanted.source,
                wanted.sides.theirs,
                wanted.sides.ours,
                wanted.window,
                actor=actor().name,
                dry_run=dry_run,
                resume=wanted.resume,
                on_slice=on_slice,
            )


def _show(outcomes: list[Outcome], *, as_json: bool) -> None:
    if as_json:
        show_json([_described(outcome) for outcome in outcomes])
        return
    show_table([outcome.run for outcome in outcomes], COLUMNS, empty="")
    for outcome in outcomes:
        if outcome.run["reason"]:
            click.echo(f"Run {outcome.run['id']} is incomplete: {outcome.run['reason']}")
        if outcome.found:
            click.echo(f"\nRun {outcome.run['id']} would open")
            show_table([vars(it) for it in outcome.found], FOUND_COLUMNS, empty="")


def _described(outcome: Outcome) -> dict[str, Any]:
    return {**outcome.run, "found": [vars(it) for it in outcome.found]}
