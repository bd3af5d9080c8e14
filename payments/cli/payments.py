"""`flask payments list|show|rebuild`"""

from __future__ import annotations

from collections import Counter
from typing import Any

import click
from flask.cli import AppGroup

from payments.cli.filters import Moment, build_filter, filter_options
from payments.cli.output import progress, show_fields, show_json, show_page, show_table
from payments.database import snapshot
from payments.errors import ClientError
from payments.events import EventFilter
from payments.models import columns_of
from payments.pages import DEFAULT_LIMIT, MAX_LIMIT
from payments.payment_views import PaymentFilter, describe_payment, get_payment, list_payments
from payments.projection.currencies import display
from payments.projection.facts import STATUSES
from payments.rebuilding import count, rebuild

payments = AppGroup("payments", help="Look at payments, and make them anew from their events.")

AMOUNTS = ("amount_authorized", "amount_captured", "amount_refunded", "amount_disputed")
LIST_COLUMNS = (
    "id", "last_event_at", "provider", "payment_id", "status", "authorized", "captured", "refunded",
    "disputed",
)  # fmt: skip
CHANGE_COLUMNS = ("caused_at", "kind", "object_id", "value", "event")
TIMELINE_COLUMNS = (
    "provider_created_at", "received_at", "id", "event_type", "object_id", "status", "remark"
)  # fmt: skip
FINDING_COLUMNS = ("kind", "subject", "detail", "expected", "found", "status", "last_seen_at")
LISTS = ("objects", "changes", "timeline", "findings")


@payments.command("list")
@click.option("--provider", help="stripe or paypal")
@click.option("--account", help='"default", or the account of the endpoint or event')
@click.option("--status", type=click.Choice(STATUSES))
@click.option("--payment-id", help="the provider's id of the payment")
@click.option("--object-id", help="the provider's id of the payment or of anything in it")
@click.option("--currency", help="ISO 4217, as in EUR")
@click.option("--since", type=Moment(), help="its last event was made at or after this time")
@click.option("--until", type=Moment(), help="its last event was made before this time")
@click.option("--limit", type=click.IntRange(1, MAX_LIMIT), default=DEFAULT_LIMIT)
@click.option("--before", type=int, help="only payments whose id is below this one")
@click.option("--json", "as_json", is_flag=True, help="print JSON")
def list_command(limit: int, before: int | None, as_json: bool, **options: Any) -> None:
    """List payments, newest first.

    \b
    Examples:
      flask --app wsgi payments list --status disputed
      flask --app wsgi payments list --object-id re_3Mxyz --json
    """
    try:
        which = PaymentFilter(**options)
        with snapshot() as session:
            page = list_payments(session, which, limit=limit, before=before)
            rows = [columns_of(payment) for payment in page.rows]
    except ClientError as error:
        raise click.UsageError(str(error)) from None
    if as_json:
        show_json(rows)
        return
    shown = [_with_amounts(row) for row in rows]
    show_page(shown, LIST_COLUMNS, page.next_cursor, empty="No payments match.")


@payments.command("show")
@click.argument("id", type=int)
@click.option("--json", "as_json", is_flag=True, help="print JSON")
def show_command(id: int, as_json: bool) -> None:
    """Show one payment: its amounts, its events, and the facts that it is made of.

    ID is the number in the first column of the list.
    """
    try:
        with snapshot() as session:
            payment = describe_payment(session, get_payment(session, id))
    except ClientError as error:
        raise click.ClickException(str(error)) from None
    if as_json:
        show_json(payment)
    else:
        _show(payment)


@payments.command("rebuild")
@filter_options
@click.option("--all", "everything", is_flag=True, help="without any filter")
@click.option("--json", "as_json", is_flag=True, help="print JSON")
def rebuild_command(everything: bool, as_json: bool, **options: Any) -> None:
    """Make the payments anew from the events that are kept.

    Needed once after an upgrade from a version without payments, and wherever the changelog says
    that events are read in another way. Safe to interrupt, and to run again.

    \b
    Examples:
      flask --app wsgi payments rebuild --all
      flask --app wsgi payments rebuild --object-id pi_3Mxyz
    """
    which = build_filter(options)
    if which.is_everything and not everything:
        raise click.UsageError("Give a filter; --all if every event is meant.")
    if not which.is_everything and everything:
        raise click.UsageError("Give a filter or --all, not both.")
    outcomes, taken_back = _one_round(which, "rebuilding")
    if taken_back and everything:
        _one_round(which, "second round")
    if as_json:
        show_json({"outcomes": outcomes, "facts_taken_back": taken_back})
        return
    counted = ", ".join(f"{number} × {outcome}" for outcome, number in outcomes.most_common())
    click.echo(f"{outcomes.total()} events: {counted or 'nothing matches'}.")
    if taken_back:
        click.echo(f"{taken_back} facts were taken back: their events do not state them any more.")
    if taken_back and not everything:
        click.echo("Other events may state them, too: run rebuild --all.")


def _one_round(which: EventFilter, label: str) -> tuple[Counter[str], int]:
    """How many events had which outcome, and how many facts were taken back."""
    outcomes: Counter[str] = Counter()
    taken_back = 0
    with progress(label, count(which)) as step:
        for result in rebuild(which):
            outcomes[result.outcome] += 1
            taken_back += result.taken_back
            step()
    return outcomes, taken_back


def _show(payment: dict[str, Any]) -> None:
    lists = {name: payment.pop(name) for name in LISTS}
    show_fields({**payment, **_amounts(payment), "objects": " ".join(lists["objects"])})
    click.echo("\nEvents, in the provider's order")
    show_table([_remarked(entry) for entry in lists["timeline"]], TIMELINE_COLUMNS, empty="None.")
    if lists["findings"]:
        click.echo("\nWhat does not agree")
        show_table(lists["findings"], FINDING_COLUMNS, empty="")
    click.echo("\nFacts, each with the event that stated it first")
    changes = [{**it, "event": it["event"] and it["event"]["id"]} for it in lists["changes"]]
    show_table(changes, CHANGE_COLUMNS, empty="None.")


def _with_amounts(row: dict[str, Any]) -> dict[str, Any]:
    shown = _amounts(row)
    return {**row, **{name.removeprefix("amount_"): shown[name] for name in AMOUNTS}}


def _amounts(row: dict[str, Any]) -> dict[str, str | None]:
    """The amounts as people write them; None where there is none, or its currency is unknown."""
    currencies = {**dict.fromkeys(AMOUNTS, "currency"), "amount_fee": "fee_currency"}
    return {
        name: None
        if row[name] is None or row[currency] is None
        else display(row[name], row[currency])
        for name, currency in currencies.items()
    }


def _remarked(entry: dict[str, Any]) -> dict[str, Any]:
    remarks = [name for name in ("late", "blocked") if entry[name]]
    if entry["blocked"] and entry["last_error"]:
        remarks.append(entry["last_error"])
    return {**entry, "remark": " ".join(remarks)}
