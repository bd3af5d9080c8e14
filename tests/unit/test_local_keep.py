"""The keeper: what it keeps alive, how it lets go, and that it never leaves an orphan."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from pathlib import Path

import pytest

from payments.local.keep import (
    FIRST_DELAY_SECONDS,
    HEALTHY_SECONDS,
    LONGEST_DELAY_SECONDS,
    main,
    next_delay,
)
from tests.support.processes import is_running
from tests.support.waiting import eventually

KEEPER = [sys.executable, "-m", "payments.local.keep"]

# Notes its start and every SIGTERM in a file, and ends after a SIGTERM once it is let go.
CHILD = """
import os, signal, sys, time
folder = sys.argv[1]
def note(text):
    with open(folder + "/notes", "a") as file:
        file.write(text + "\\n")
asked = []
def on_term(*_):
    asked.append(1)
    note("term")
signal.signal(signal.SIGTERM, on_term)
note("start %d" % os.getpid())
while not (asked and os.path.exists(folder + "/let-go")):
    time.sleep(0.01)
note("end")
"""
Start = Callable[..., "Kept"]


class Kept:
    """A keeper under test, and what its child wrote down."""

    def __init__(self, process: subprocess.Popen[str], folder: Path) -> None:
        self.process = process
        self._folder = folder

    def notes(self) -> list[str]:
        path = self._folder / "notes"
        return path.read_text().splitlines() if path.exists() else []

    def children(self) -> list[int]:
        return [int(note.split()[1]) for note in self.notes() if note.startswith("start ")]

    def child(self, number: int = 1) -> int:
        """The process id of the child's `number`th life."""
        eventually(lambda: len(self.children()) >= number, f"start {number} of the child")
        return self.children()[number - 1]

    def let_go(self) -> None:
        (self._folder / "let-go").touch()


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    with ExitStack() as stack:

        def start(*options: str, command: list[str] | None = None, **popen: object) -> Kept:
            command = command or [sys.executable, "-c", CHILD, str(tmp_path)]
            process = subprocess.Popen(
                [*KEEPER, *options, "--", *command],
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                start_new_session=True,
                **popen,  # type: ignore[call-overload]
            )
            kept = Kept(process, tmp_path)
            stack.enter_context(process)
            stack.callback(process.kill)
            stack.callback(kept.let_go)
            return kept

        yield start


def test_a_child_that_was_killed_is_started_again(start: Start) -> None:
    kept = start()
    os.kill(kept.child(1), signal.SIGKILL)
    second = kept.child(2)
    assert is_running(second)
    assert kept.process.stdout is not None
    assert "was ended by SIGKILL; it is started again" in kept.process.stdout.readline()


def test_a_child_that_ended_well_is_started_again(start: Start) -> None:
    kept = start(command=[sys.executable, "-c", "print('here', flush=True)"])
    assert kept.process.stdout is not None
    lines = [kept.process.stdout.readline() for _ in range(3)]
    assert lines[0] == lines[2] == "here\n"
    assert "ended with 0" in lines[1]


def test_exactly_one_sigterm_reaches_the_child_however_many_come(start: Start) -> None:
    kept = start()
    kept.child()
    group = os.getpgid(kept.process.pid)
    os.killpg(group, signal.SIGTERM)
    eventually(lambda: "term" in kept.notes(), "the first SIGTERM")
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGTERM):
        os.killpg(group, number)
    kept.let_go()
    assert kept.process.wait(15) == 0
    assert kept.notes().count("term") == 1


def test_the_child_gets_the_time_it_needs(start: Start) -> None:
    kept = start()
    kept.child()
    kept.process.terminate()
    eventually(lambda: "term" in kept.notes(), "the SIGTERM")
    with pytest.raises(subprocess.TimeoutExpired):
        kept.process.wait(0.3)
    kept.let_go()
    assert kept.process.wait(15) == 0
    assert kept.notes()[-1] == "end"


def test_sigint_is_passed_on_as_sigterm(start: Start) -> None:
    kept = start()
    kept.child()
    kept.let_go()
    kept.process.send_signal(signal.SIGINT)
    assert kept.process.wait(15) == 0
    assert kept.notes()[-2:] == ["term", "end"]


def test_a_child_that_does_not_end_in_time_is_killed(start: Start) -> None:
    kept = start("--stop-seconds", "0.2")
    child = kept.child()
    kept.process.terminate()
    assert kept.process.wait(15) == 0
    assert not is_running(child)
    assert "end" not in kept.notes()


def test_a_signal_that_was_held_back_while_the_keeper_started_counts(start: Start) -> None:
    def hold_back() -> None:
        signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM])

    kept = start(preexec_fn=hold_back)
    kept.process.terminate()
    kept.let_go()
    assert kept.process.wait(15) == 0


def test_what_a_killed_child_leaves_is_ended_before_the_next_start(start: Start) -> None:
    kept = start(command=["/bin/sh", "-c", "sleep 600 & echo $!; wait"])
    assert kept.process.stdout is not None
    grandchild = int(kept.process.stdout.readline())
    child = int(Path(f"/proc/{grandchild}/stat").read_text().rpartition(")")[2].split()[1])
    os.kill(child, signal.SIGKILL)
    eventually(lambda: not is_running(grandchild), "the end of the grandchild")


def test_when_the_keepers_parent_is_killed_keeper_and_child_end(tmp_path: Path) -> None:
    (tmp_path / "let-go").touch()
    command = [*KEEPER, "--", sys.executable, "-c", CHILD, str(tmp_path)]
    code = "import subprocess, sys; p = subprocess.Popen(sys.argv[1:]); print(p.pid, flush=True)"
    parent = subprocess.Popen(
        [sys.executable, "-c", f"{code}; p.wait()", *command], stdout=subprocess.PIPE, text=True
    )
    with parent:
        assert parent.stdout is not None
        keeper = int(parent.stdout.readline())
        child = Kept(parent, tmp_path).child()
        parent.kill()
        eventually(lambda: not is_running(keeper), "the end of the keeper")
        assert not is_running(child)


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="only Linux tells the child")
def test_when_the_keeper_is_killed_its_child_is_told_to_end(start: Start) -> None:
    kept = start()
    child = kept.child()
    kept.let_go()
    kept.process.kill()
    eventually(lambda: not is_running(child), "the end of the child")
    assert kept.notes()[-2:] == ["term", "end"]


def test_a_command_that_cannot_be_started_is_tried_again_and_can_be_stopped(start: Start) -> None:
    kept = start(command=["/nowhere/to/be/found"])
    assert kept.process.stdout is not None
    lines = [kept.process.stdout.readline() for _ in range(3)]
    assert "could not be started: No such file" in lines[0]
    assert "could not be started" in lines[2]
    kept.process.terminate()
    assert kept.process.wait(15) == 0


def test_a_listener_outlives_the_child_that_serves_it(start: Start) -> None:
    serve = (
        "import os, socket, sys\n"
        "listener = socket.socket(fileno=int(sys.argv[1]))\n"
        "while True:\n"
        "    connection, _ = listener.accept()\n"
        "    connection.sendall(b'%d' % os.getpid()); connection.close()\n"
    )

    def ask() -> int:
        with closing(socket.create_connection(address, timeout=15)) as client:
            return int(client.recv(32))

    with closing(socket.create_server(("127.0.0.1", 0))) as listener:
        address = listener.getsockname()
        command = [sys.executable, "-c", serve, str(listener.fileno())]
        start(command=command, pass_fds=[listener.fileno()])
        first = ask()
        os.kill(first, signal.SIGKILL)
        assert ask() != first  # asked before there is a new one, and never refused


def test_the_delay_grows_to_its_limit() -> None:
    delays, delay = [], 0.0
    for _ in range(10):
        delay = next_delay(delay, lifetime=1, returncode=1)
        delays.append(delay)
    assert delays[:4] == [FIRST_DELAY_SECONDS * factor for factor in (1, 2, 4, 8)]
    assert delays[-1] == LONGEST_DELAY_SECONDS


def test_a_minute_of_health_resets_the_delay() -> None:
    assert next_delay(8, HEALTHY_SECONDS, returncode=1) == FIRST_DELAY_SECONDS


def test_a_worker_that_was_recycled_is_no_failure() -> None:
    assert next_delay(8, lifetime=1, returncode=0) == FIRST_DELAY_SECONDS


@pytest.mark.parametrize("arguments", [[], ["--"], ["sleep", "1"], ["--wrong", "--", "sleep", "1"]])
def test_a_wrong_command_line_is_refused(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments) == 2
    assert "usage:" in capsys.readouterr().err


def test_the_keeper_imports_nothing_but_the_standard_library() -> None:
    code = (
        "import sys, payments.local.keep; print(*{name.partition('.')[0] for name in sys.modules})"
    )
    names = subprocess.check_output([sys.executable, "-c", code], text=True).split()
    assert not set(names) & {"dotenv", "flask", "honcho", "redis", "rq", "sqlalchemy"}
