"""deploy/systemd: understood by systemd, hardened, and as patient as the jobs need."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.service import ROOT, Service

UNITS = ROOT / "deploy" / "systemd"
SERVICES = ("payments-web.service", "payments-worker@1.service", "payments-scheduler.service")
# From 0 to 100; systemd calls what is below 20 "OK", and a service without any of it has 96.
MOST_EXPOSED = 20


@pytest.fixture(scope="module")
def units(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The units as they would be for this copy of the project."""
    if not shutil.which("systemd-analyze"):
        pytest.skip("systemd-analyze is not installed, so the units were not tried")
    folder = tmp_path_factory.mktemp("units")
    for file in UNITS.iterdir():
        text = file.read_text().replace("/opt/payments-api", str(ROOT))
        (folder / file.name.replace("@.", "@1.")).write_text(text)
    return folder


def test_systemd_finds_nothing_wrong_with_the_units(units: Path) -> None:
    files = [str(units / name) for name in (*SERVICES, "payments.target")]
    checked = _analyze("verify", "--man=no", "--recursive-errors=no", *files)
    # It also complains of units of the machine that it runs on.
    ours = [line for line in checked.stderr.splitlines() if "payments" in line]
    assert not ours
    assert checked.returncode == 0, checked.stderr


@pytest.mark.parametrize("name", SERVICES)
def test_a_service_is_little_exposed(units: Path, name: str) -> None:
    judged = _analyze(
        *("security", "--offline=true", "--no-pager", f"--threshold={MOST_EXPOSED}"),
        str(units / name),
    )
    assert judged.returncode == 0, judged.stdout + judged.stderr
    assert "Overall exposure level" in judged.stdout


def test_a_worker_may_finish_the_longest_job_there_is() -> None:
    service = Service(Path("unused"), "sqlite:///unused.db", "redis://127.0.0.1:1")
    done = subprocess.run(
        [sys.executable, "-m", "jobs.process_plan"],
        cwd=ROOT,
        env=service.environment,
        capture_output=True,
        text=True,
    )
    longest = json.loads(done.stdout)["longest_job_seconds"]
    unit = (UNITS / "payments-worker@.service").read_text()
    [seconds] = re.findall(r"^TimeoutStopSec=(\d+)$", unit, re.MULTILINE)
    assert int(seconds) > longest


def _analyze(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["systemd-analyze", *arguments], capture_output=True, text=True)
