"""Whoever is called at night finds the section of the alert, and commands that exist."""

from __future__ import annotations

import re
import shlex

import click
import pytest
from flask import Flask

from payments import cli
from tests.observability.files import (
    RUNBOOK,
    alerts,
    alerts_seen_firing_by_promtool,
    sections_named_by_alerts,
    sections_of_runbook,
)

COMMAND = re.compile(r"(?:^|`)flask ([^#`\n]+)", re.MULTILINE)


def test_each_alert_names_its_section_of_the_runbook() -> None:
    assert len(alerts()) >= 15
    assert sections_named_by_alerts() == [name.lower() for name in alerts()]
    assert set(sections_named_by_alerts()) <= sections_of_runbook()


def test_promtool_sees_each_alert_fire() -> None:
    assert alerts_seen_firing_by_promtool() == set(alerts())


def commands() -> list[str]:
    return sorted({found.strip() for found in COMMAND.findall(RUNBOOK.read_text())})


@pytest.mark.parametrize("line", commands())
def test_each_command_of_the_runbook_can_be_typed(line: str) -> None:
    app = Flask("runbook")
    cli.register(app)
    command: click.Command = app.cli
    words = shlex.split(line)
    while isinstance(command, click.Group):
        command = command.commands[words.pop(0)]
    command.make_context(command.name, words)
