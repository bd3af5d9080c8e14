"""`flask status`: what is left to do, in a few numbers."""

from __future__ import annotations

import click
from flask.cli import with_appcontext
from redis.exceptions import RedisError

from payments.backlog import measure
from payments.cli.output import show_fields, show_json
from payments.database import snapshot
from payments.extensions import settings
from payments.models import utc_now
from payments.queueing import JobQueue


@click.command("status")
@click.option("--json", "as_json", is_flag=True, help="print JSON")
@click.option(
    "--alert-after",
    type=click.FloatRange(min=0),
    help="exit with 1 where an event is stranded for longer, in seconds",
)
@with_appcontext
def status(as_json: bool, alert_after: float | None) -> None:
    """Say what is left to do, and how old the oldest of it is.

    `oldest_stranded_seconds` is the number to alert on: the age of the oldest event that is due and
    has no job that waits or runs.

    \b
    Example:
      flask --app wsgi status --alert-after 120
    """
    try:
        with snapshot() as session:
            backlog = measure(session, JobQueue.patient(settings()), utc_now())
    except (RedisError, OSError) as error:
        raise click.ClickException(f"Redis does not answer ({type(error).__name__}).") from None
    if as_json:
        show_json(vars(backlog))
    else:
        show_fields({**vars(backlog), "unfinished": _words(backlog.unfinished)})
    if alert_after is not None and backlog.oldest_stranded_seconds > alert_after:
        raise SystemExit(1)


def _words(counts: dict[str, int]) -> str:
    return ", ".join(f"{count} {status}" for status, count in counts.items())
