"""Programs that tests of deployment need, and where each lacks them."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from tests.deployment import nginx
from tests.support.service import ROOT


@pytest.fixture(scope="session")
def pm2() -> Path:
    """The PM2 that the Makefile pins."""
    if not shutil.which("npm"):
        pytest.skip("npm is not installed, so PM2 was not tried: apt-get install npm")
    done = subprocess.run(["make", "pm2"], cwd=ROOT, capture_output=True, text=True)
    if done.returncode:
        pytest.skip(f"npm could not fetch PM2, so it was not tried: {done.stderr[-300:]}")
    [found] = ROOT.glob("var/cache/pm2-*/node_modules/.bin/pm2")
    return found


@pytest.fixture(scope="session")
def nginx_program() -> None:
    if not nginx.is_installed():
        pytest.skip("nginx is not installed, so it was not tried: apt-get install nginx")
