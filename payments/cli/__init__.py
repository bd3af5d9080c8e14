"""`flask --app wsgi …`: the same services as the web API, for a terminal."""

from __future__ import annotations

from flask import Flask

from payments.cli.check import check
from payments.cli.events import events
from payments.cli.simulate import simulate


def register(app: Flask) -> None:
    for command in (check, events, simulate):
        app.cli.add_command(command)
