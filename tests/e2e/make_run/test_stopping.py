"""However `make run` ends, nothing of it stays."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.e2e.make_run.running import (
    READY_SECONDS,
    STOP_SECONDS,
    Start,
    assert_nothing_is_left,
    environment,
    is_free,
    make_copy,
)
from tests.support.processes import processes_of
from tests.support.servers import free_port
from tests.support.waiting import eventually

pytestmark = [
    pytest.mark.skipif(not sys.platform.startswith("linux"), reason="looks into /proc"),
    pytest.mark.timeout(180),
]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_it_stops_cleanly_and_starts_again_in_seconds(start: Start, number: signal.Signals) -> None:
    port = free_port()
    first = start(APP_PORT=str(port))
    first.banner("Stop")
    first.simulate()
    secrets = (first.folder / ".env").read_text()
    assert first.stop(number) == 0, first.output
    assert "Traceback" not in first.output
    assert_nothing_is_left(first, port)

    second = start()
    assert second.banner("Address")
    # The promise of 5 s is measured by `make perf`: other tests may keep this machine busy.
    assert time.monotonic() - second.began < 20
    assert (second.folder / ".env").read_text() == secrets
    assert len(second.events()) == 1


def test_a_second_ctrl_c_leaves_no_orphans(start: Start) -> None:
    port = free_port()
    running = start(APP_PORT=str(port))
    running.banner("Stop")
    os.killpg(running.process.pid, signal.SIGINT)
    os.killpg(running.process.pid, signal.SIGINT)
    assert running.stop() == 0, running.output
    assert "Traceback" not in running.output
    assert_nothing_is_left(running, port)


@pytest.mark.parametrize("seconds", [0.0, 0.3, 0.6, 1.0, 1.5, 2.5])
def test_ctrl_c_while_it_starts_leaves_no_orphans(start: Start, seconds: float) -> None:
    running = start()
    eventually((running.folder / ".env").exists, "the first sign of life", READY_SECONDS)
    with pytest.raises(subprocess.TimeoutExpired):
        running.process.wait(seconds)
    assert running.stop() == 0, running.output
    assert "Traceback" not in running.output
    assert processes_of(running.folder) == {}


def test_ctrl_c_in_the_very_first_moment_starts_nothing(start: Start) -> None:
    running = start()
    running.stop()  # perhaps before Python has got as far as to catch it
    assert processes_of(running.folder) == {}


def test_when_it_is_killed_nothing_of_it_stays(start: Start) -> None:
    port = free_port()
    running = start(APP_PORT=str(port))
    running.banner("Stop")
    running.process.kill()
    running.process.wait()
    eventually(lambda: not processes_of(running.folder), "the end of everything", STOP_SECONDS)
    # A process that ends loses its command line, by which it was found, before its sockets.
    eventually(lambda: is_free(port), "its port is free", STOP_SECONDS)
    again = start()
    assert again.banner("Address")
    assert again.stop() == 0


def test_when_make_is_killed_nothing_of_it_stays(start: Start, tmp_path: Path) -> None:
    # Stands for make: starts what make starts, and waits for it.
    code = "import subprocess, sys; subprocess.run([sys.executable, '-m', *sys.argv[1:]])"
    folder = make_copy(tmp_path / "killed")
    with subprocess.Popen(
        [sys.executable, "-c", code, "payments.local.run", "--end-with-parent"],
        cwd=folder,
        env=environment(),
        stdout=subprocess.DEVNULL,
    ) as make:
        eventually((folder / "var/address").exists, "the service", READY_SECONDS)
        make.kill()
    eventually(lambda: not processes_of(folder), "the end of everything", STOP_SECONDS)
