"""`flask dlq groups`, and operations on a whole group."""

from __future__ import annotations

from typing import Any

import click
from flask.cli import with_appcontext

from payments import bulk
from payments.bulk import Scope
from payments.cli.bulk import actor
from payments.cli.bulk_operations import (
    preview_and_run,
    refusals,
    require_terminal,
    summary_in_words,
)
from payments.cli.filters import NAMES
from payments.cli.output import show_fields, show_json, show_table
from payments.database import snapshot
from payments.dead_letter_groups import get_group, list_groups
from payments.models import utc_now
from payments.queueing import job_queue

COLUMNS = (
    "id", "dead", "retrying", "stage", "providers", "payments", "value", "first", "last", "cause"
)  # fmt: skip
TYPE_COLUMNS = ("provider", "event_type", "items")


@click.command("groups")
@click.argument("id", type=int, required=False)
@click.option("--json", "as_json", is_flag=True, help="print JSON")
@with_appcontext
def groups_command(id: int | None, as_json: bool) -> None:
    """List dead letters by their cause; with an ID, show that group.

    \b
    Examples:
      flask --app wsgi dlq groups
      flask --app wsgi dlq groups 4 --json
    """
    if id is not None:
        _show_group(id, as_json=as_json)
        return
    with snapshot() as session:
        shown = list_groups(session, utc_now()).describe()
    if as_json:
        show_json(shown)
        return
    show_table([_in_words(it) for it in shown["groups"]], COLUMNS, empty="No dead letters.")
    if shown["ungrouped"]:
        click.echo(f"{shown['ungrouped']} dead events wait for their group.")
    if shown["more"]:
        click.echo(f"{shown['more']} groups more.")


def run_for_group(group_id: int, action: str, verb: str, options: dict[str, Any]) -> None:
    """`--group`: a bulk operation on the group's dead events."""
    chosen_otherwise = options["ids"] or options["everything"]
    if chosen_otherwise or any(options[name] is not None for name in NAMES):
        raise click.UsageError("Give a --group, or ids, or a filter; not two of them.")
    if not options["dry_run"]:
        if not (options["reason"] or "").strip():
            raise click.UsageError("--reason: say why.")
        if not options["yes"]:
            require_terminal()
    with refusals():
        operation_id = bulk.create(action, Scope.of_group(group_id), actor(), job_queue())
    click.echo(f"Bulk operation {operation_id}", err=True)
    preview_and_run(operation_id, verb, options)


def _show_group(id: int, *, as_json: bool) -> None:
    with refusals(), snapshot() as session:
        shown = get_group(session, id, utc_now()).describe()
    if as_json:
        show_json(shown)
        return
    newest, types = shown.pop("newest"), shown.pop("types")
    show_fields({**_in_words(shown), "newest": newest["id"] if newest else None})
    click.echo("\nBy type")
    show_table(types, TYPE_COLUMNS, empty="It holds nothing any more.")


def _in_words(group: dict[str, Any]) -> dict[str, Any]:
    words = summary_in_words({**group, "types": []})
    trend = " ".join(map(str, group["trend"]))
    providers = ", ".join(group["providers"])
    return {**group, "value": words["value"], "providers": providers, "trend": trend}
