"""`flask events payload`: an event's payload, masked, or revealed with a reason."""

from __future__ import annotations

import json

import click
from flask.cli import with_appcontext

from payments.cli.bulk import actor
from payments.cli.output import show_json
from payments.database import snapshot
from payments.errors import ClientError
from payments.extensions import settings
from payments.observability.masking import Masker
from payments.payloads import masked_payload, reveal_payload


@click.command("payload")
@click.argument("id", type=int)
@click.option("--reveal", is_flag=True, help="with personal data; wants a --reason")
@click.option("--reason", help="why; kept in the audit log")
@click.option("--json", "as_json", is_flag=True, help="print JSON with what is said about it")
@with_appcontext
def payload_command(id: int, reveal: bool, reason: str | None, as_json: bool) -> None:
    """Show an event's payload without personal data.

    Card numbers and secrets stay hidden, also with --reveal.

    \b
    Examples:
      flask --app wsgi events payload 17
      flask --app wsgi events payload 17 --reveal --reason 'ticket 4711'
    """
    mask = Masker(settings().secrets)
    try:
        if reveal:
            shown = reveal_payload(id, actor(), reason, mask)
        else:
            with snapshot() as session:
                shown = masked_payload(session, id, mask)
    except ClientError as error:
        raise click.ClickException(str(error)) from None
    if as_json:
        show_json(shown.describe())
        return
    click.echo(json.dumps(shown.payload, indent=2, ensure_ascii=False))
    click.echo(f"{shown.masked} values are masked.", err=True)
