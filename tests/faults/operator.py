"""The operator's part: looks at the dead letters, retries some, gives some up, with the CLI."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from tests.faults.evidence import Operation
from tests.faults.invariants import DISCARD, RETRY
from tests.support.service import ROOT

PAGE = 500
COMMAND_SECONDS = 120
MOST_OPERATIONS = 20
ACTIONS = {"retry": RETRY, "discard": DISCARD}


def dead_letters(environment: Mapping[str, str]) -> list[int]:
    """Every id that `flask dlq list --json` shows."""
    found: list[int] = []
    while True:
        before = ["--before", str(found[-1])] if found else []
        page = flask(environment, "dlq", "list", "--json", "--limit", str(PAGE), *before)
        found += [int(event["id"]) for event in page]
        if len(page) < PAGE:
            return found


def operate(environment: Mapping[str, str], dead: Sequence[int]) -> Iterator[Operation]:
    """Retry every other dead letter and discard some of the rest; what the CLI says was done.

    Raises:
        AssertionError: a command has failed.
    """
    retried, discarded = dead[0::2][:MOST_OPERATIONS], dead[1::4][:MOST_OPERATIONS]
    for command, ids in (("retry", retried), ("discard", discarded)):
        if not ids:
            continue
        reason = f"fault suite: {command}"
        words = [*map(str, ids), "--yes", "--json", "--reason", reason]
        results = flask(environment, "dlq", command, *words)
        for result in results:
            if result["done"]:
                yield Operation(ACTIONS[command], result["event_id"], reason)


def flask(environment: Mapping[str, str], *arguments: str) -> Any:
    """What the command prints, as JSON."""
    ended = subprocess.run(
        [sys.executable, "-m", "flask", "--app", "wsgi", *arguments],
        cwd=ROOT,
        env=dict(environment),
        capture_output=True,
        text=True,
        timeout=COMMAND_SECONDS,
        check=False,
    )
    assert ended.returncode == 0, f"flask {' '.join(arguments)}: {ended.stderr[-2000:]}"
    return json.loads(ended.stdout)
