"""Several commands side by side: they start together, and none is left when they stop."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.support.processes import is_running
from tests.support.waiting import eventually

RUNNER = """
import os, sys
from payments.local.processes import Command, run_all
def started():
    print("started", flush=True)
    if "early" in sys.argv:
        os.kill(os.getpid(), 15)

commands = [Command(name, [sys.argv[1]]) for name in ("one", "two")]
sys.exit(0 if run_all(commands, os.environ, float(sys.argv[2]), started) else 1)
"""
OBEDIENT = "import os, time; print('pid', os.getpid(), flush=True); time.sleep(600)"
STUBBORN = f"import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); {OBEDIENT}"
Start = Callable[..., subprocess.Popen[str]]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    (tmp_path / "obedient_command.py").write_text(OBEDIENT)
    (tmp_path / "stubborn_command.py").write_text(STUBBORN)
    with ExitStack() as stack:

        def start(module: str, *options: str, stop_seconds: float = 10) -> subprocess.Popen[str]:
            runner = subprocess.Popen(
                [sys.executable, "-c", RUNNER, module, str(stop_seconds), *options],
                env={**os.environ, "PYTHONPATH": f"{tmp_path}:{os.getcwd()}"},
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                start_new_session=True,
            )
            stack.enter_context(runner)
            stack.callback(runner.kill)
            return runner

        yield start


def read_processes(runner: subprocess.Popen[str], count: int = 2) -> list[int]:
    """The ids that the commands print."""
    assert runner.stdout is not None
    found: list[int] = []
    for line in runner.stdout:
        if "| pid " in line:
            found.append(int(line.split()[-1]))
        if len(found) == count:
            break
    return found


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_stop_signal_ends_all_of_them(start: Start, number: signal.Signals) -> None:
    runner = start("obedient_command")
    processes = read_processes(runner)
    runner.send_signal(number)
    output, _ = runner.communicate(timeout=15)
    assert runner.returncode == 0, output
    assert "Traceback" not in output
    assert not any(map(is_running, processes))


def test_a_second_ctrl_c_changes_nothing(start: Start) -> None:
    runner = start("stubborn_command", stop_seconds=1)
    processes = read_processes(runner)
    for _ in range(3):
        os.killpg(runner.pid, signal.SIGINT)
    output, _ = runner.communicate(timeout=15)
    assert runner.returncode == 0, output
    assert "Traceback" not in output
    assert not any(map(is_running, processes))


def test_a_signal_in_the_moment_of_the_start_is_not_lost(start: Start) -> None:
    runner = start("obedient_command", "early")
    output, _ = runner.communicate(timeout=15)
    assert runner.returncode == 0, output
    assert "Traceback" not in output


def test_when_the_runner_is_killed_nothing_is_left(start: Start) -> None:
    runner = start("obedient_command")
    processes = read_processes(runner)
    runner.kill()
    eventually(lambda: not any(map(is_running, processes)), "the end of the commands")


def test_when_nobody_reads_the_output_any_more_they_go_on(start: Start) -> None:
    runner = start("obedient_command")
    (first, second) = read_processes(runner)
    assert runner.stdout is not None
    runner.stdout.close()
    os.kill(first, signal.SIGKILL)  # the keeper reports it, into nothing
    eventually(lambda: not is_running(first), "the end of the first")
    with pytest.raises(subprocess.TimeoutExpired):
        runner.wait(1)
    assert is_running(second)
    runner.terminate()
    assert runner.wait(15) == 0
    assert not is_running(second)
