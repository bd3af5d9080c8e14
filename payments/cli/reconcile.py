"""`flask reconcile …`: the group; its commands are in files of their own."""

from __future__ import annotations

from flask.cli import AppGroup

from payments.cli.coverage import run
from payments.cli.findings import findings, runs, sign_off
from payments.cli.money import money

reconcile = AppGroup("reconcile", help="Compare what is kept here with what the providers say.")
for _command in (findings, money, run, runs, sign_off):
    reconcile.add_command(_command)
