"""`flask metrics`: the page of metrics of a machine that has no web server."""

from __future__ import annotations

import click
from flask import current_app
from flask.cli import with_appcontext

from payments.extensions import settings
from payments.gauges import page
from payments.observability import metrics as counts


@click.command("metrics")
@with_appcontext
def metrics() -> None:
    """Print what /metrics answers on this machine, in Prometheus' text format.

    For machines that run only workers: node_exporter's textfile collector reads it from a file.

    \b
    Example:
      flask --app wsgi metrics > /var/lib/node_exporter/payments.prom
    """
    counts.look(settings().var_dir)
    app = current_app._get_current_object()  # type: ignore[attr-defined]  # a proxy
    click.echo(page(app), nl=False)
