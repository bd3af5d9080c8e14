"""One `make run` per folder."""

from __future__ import annotations

import os
import signal
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from payments.local.errors import AlreadyRunning, LocalError
from payments.local.lock import only_one, private_folder

HOLD = """
import subprocess, sys, time
from pathlib import Path
from payments.local.lock import only_one
with only_one(Path(sys.argv[1])) as lock:
    remains = ["-c", "print('held', flush=True); import time; time.sleep(float(%r))" % sys.argv[2]]
    child = subprocess.Popen([sys.executable, *remains], pass_fds=[lock])
    time.sleep(60)
"""


def holder(path: Path, remains_seconds: float) -> subprocess.Popen[str]:
    """A process that holds the lock, with a child that holds it on for a while after it."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(path), str(remains_seconds)],
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    return process


def test_a_second_one_is_refused_and_told_who_the_first_is(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    with (
        only_one(path),
        pytest.raises(AlreadyRunning, match=f"already running .*process {os.getpid()}"),
        only_one(path),
    ):
        pass


def test_afterwards_it_is_free_again(tmp_path: Path) -> None:
    for _ in range(2):
        with only_one(tmp_path / "lock"):
            pass


def test_what_a_killed_one_left_running_is_waited_for(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    with holder(path, remains_seconds=0.5) as first:
        first.send_signal(signal.SIGKILL)
        first.wait()
        with pytest.raises(AlreadyRunning, match="has not ended yet"), only_one(path, patience=0):
            pass
        with only_one(path):
            pass


def test_a_folder_is_made_for_its_owner_alone(tmp_path: Path) -> None:
    folder = private_folder(tmp_path / "var")
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700


def test_a_folder_that_cannot_be_made_is_an_error_that_names_the_variable(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(LocalError, match=r"cannot be made .*VAR_DIR"):
        private_folder(tmp_path / "file")
