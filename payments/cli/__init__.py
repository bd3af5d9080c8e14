"""`flask --app wsgi …`: the same services as the web API, for a terminal."""

from __future__ import annotations

from flask import Flask

from payments.cli.audit import audit
from payments.cli.bulk_operations import operations as bulk
from payments.cli.check import check
from payments.cli.dead_letters import dlq
from payments.cli.events import events
from payments.cli.metrics import metrics
from payments.cli.payments import payments
from payments.cli.reconcile import reconcile
from payments.cli.simulate import simulate
from payments.cli.status import status


def register(app: Flask) -> None:
    commands = (audit, bulk, check, dlq, events, metrics, payments, reconcile, simulate, status)
    for command in commands:
        app.cli.add_command(command)
