"""Every process that is started with a configuration that is wrong says what is wrong, and ends."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.application import NEVER_READ
from tests.support.service import ROOT

PROCESSES = {
    "web": ("gunicorn", "--config", "python:payments.web.server", "wsgi:app"),
    "worker": ("jobs.worker",),
    "scheduler": ("jobs.schedule",),
    "flask": ("flask", "--app", "wsgi", "check"),
    "make run": ("payments.local.run",),
}


@pytest.mark.parametrize("process", PROCESSES)
def test_a_wrong_configuration_is_a_list_and_no_traceback(process: str, tmp_path: Path) -> None:
    environment = {
        "PATH": os.environ["PATH"],
        "ENV_FILE": str(NEVER_READ),
        "FLASK_SKIP_DOTENV": "1",
        "VAR_DIR": str(tmp_path),
        "APP_ENV": "prod",
        "RETRY_MAX_ATTEMPTS": "none",
        "ADMIN_TOKEN": "sesame",
    }
    done = subprocess.run(
        [sys.executable, "-m", *PROCESSES[process]],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
    )
    said = done.stdout + done.stderr
    assert done.returncode != 0
    for variable in ("RETRY_MAX_ATTEMPTS", "ADMIN_TOKEN", "REDIS_URL", "STRIPE_SIGNING_SECRET"):
        assert f"{variable}: " in said
    assert "Traceback" not in said
    assert "sesame" not in said
