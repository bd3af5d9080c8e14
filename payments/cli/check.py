"""`flask check`: the verdict on the configuration and on what the service depends on."""

from __future__ import annotations

import click
from flask.cli import with_appcontext

from payments.checking import check_all
from payments.extensions import settings


@click.command("check")
@with_appcontext
def check() -> None:
    """Say whether the service can run as it is configured. Values are never shown.

    Exits with 1 where it cannot. A configuration that cannot be read at all is reported, with
    every problem, before this command begins.
    """
    verdict = check_all(settings())
    click.echo(f"configuration: ok ({settings().app_env})")
    for line in verdict.summary:
        click.echo(f"  {line}")
    for name, result in verdict.checks.items():
        click.echo(f"{name}: {result}")
    for warning in verdict.warnings:
        click.echo(f"warning: {warning}")
    if not verdict.is_ready:
        raise SystemExit(1)
    click.echo("verdict: ready to run")
