"""What promtool, Prometheus' own checker, says of our files."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

from tests.observability.errors import MissingTool, Wrong
from tests.observability.files import ALERTS, EXAMPLE, TESTS


def require_prometheus() -> None:
    for tool in ("prometheus", "promtool"):
        if not shutil.which(tool):
            raise MissingTool(f"needs {tool}: apt-get install prometheus")


def check_files() -> list[str]:
    """Raises Wrong with what promtool says."""
    return [
        f"promtool check config {EXAMPLE.name}: {_said(_run('check', 'config', EXAMPLE))}",
        f"promtool check rules {ALERTS.name}: {_said(_run('check', 'rules', ALERTS))}",
        f"promtool test rules {TESTS.name}: {_tests()} scenarios hold",
    ]


def _tests() -> int:
    _run("test", "rules", TESTS)
    return TESTS.read_text().count("\n  - name: ")


def _run(verb: str, what: str, file: Path) -> str:
    done = subprocess.run(
        ["promtool", verb, what, file.name],
        cwd=file.parent,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    if done.returncode:
        raise Wrong(f"promtool {verb} {what} {file.name}:\n{done.stdout}")
    return done.stdout


def _said(printed: str) -> str:
    lines = [line.strip() for line in printed.splitlines() if "SUCCESS" in line]
    return "; ".join(line.removeprefix("SUCCESS: ") for line in lines)
