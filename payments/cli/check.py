"""`flask check`: the verdict on the configuration and on what the service depends on."""

from __future__ import annotations

import click
from flask.cli import with_appcontext

from payments.config import Settings
from payments.durability import durability_problems
from payments.extensions import settings
from payments.handlers.registry import registered
from payments.health import readiness
from payments.queueing import job_queue


@click.command("check")
@with_appcontext
def check() -> None:
    """Say whether the service can run as it is configured. Values are never shown.

    Exits with 1 where it cannot. A configuration that cannot be read at all is reported, with
    every problem, before this command begins.
    """
    current = settings()
    click.echo(f"configuration: ok ({current.app_env})")
    for line in _summary(current):
        click.echo(f"  {line}")
    checks = readiness()
    for name, result in checks.items():
        click.echo(f"{name}: {result}")
    warnings = [str(warning) for warning in current.warnings]
    if checks["redis"] == "ok" and not current.redis_durable:
        problems = durability_problems(job_queue().connection)
        warnings += [f"REDIS_URL: {what}. {fix}." for what, fix in problems]
    for warning in warnings:
        click.echo(f"warning: {warning}")
    if any(result != "ok" for result in checks.values()):
        raise SystemExit(1)
    click.echo("verdict: ready to run")


def _summary(current: Settings) -> list[str]:
    redis = "embedded valkey" if current.redis_is_embedded else "Redis of REDIS_URL"
    lines = [
        f"database: {'SQLite' if current.is_sqlite else 'PostgreSQL'}; queue: {redis}",
        f"admin tokens: {len(current.admin_tokens)}; handlers registered: {len(registered())}",
    ]
    for provider, accounts in current.providers.items():
        lines.append(f"{provider}: {', '.join(accounts) or 'not configured'}")
    return lines
