"""Running the service's processes side by side with honcho, and stopping them together.

    run.py ─ honcho's process ─ keeper ─ command        (one row for each command)

honcho prefixes what each one prints and stops all when one ends; the keeper is what brings a
command back. Each of the three notices when its parent is gone.
"""

from __future__ import annotations

import multiprocessing
import os
import shlex
import signal
import socket
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import honcho.manager
from honcho.printer import Message, Printer
from honcho.process import Popen, Process

from payments.config import ROOT
from payments.local.console import detach_output
from payments.parent_process import end_with_parent

STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
GRACE_SECONDS = 10.0  # what honcho waits beyond the keepers' own deadline before it kills them


@dataclass(frozen=True)
class Command:
    """One process to keep: its name in the output, and the arguments after `python -m`.

    `listener` is the socket that it inherits, under the same number.
    """

    name: str
    arguments: Sequence[str]
    listener: socket.socket | None = None

    def shell_line(self, stop_seconds: float) -> str:
        keeper = [sys.executable, "-m", "payments.local.keep", "--stop-seconds", str(stop_seconds)]
        return "exec " + shlex.join([*keeper, "--", sys.executable, "-m", *self.arguments])


class Child(Process):  # type: ignore[misc]  # honcho has no types
    """honcho's process for one command: hands over its listener, and ends with its parent."""

    inherited: tuple[int, ...] = ()
    unwanted: tuple[int, ...] = ()

    def run(self, events: object = None, ignore_signals: bool = False) -> None:
        for descriptor in self.unwanted:
            os.close(descriptor)
        end_with_parent(signal.SIGKILL)
        self._child_ctor = partial(Popen, pass_fds=self.inherited)
        super().run(events, ignore_signals)


class LastingPrinter(Printer):  # type: ignore[misc]
    """A printer that outlives its reader, as in `make run | head`: the service goes on."""

    def write(self, message: Message) -> None:
        try:
            super().write(message)
        except OSError:
            detach_output()


class Runner(honcho.manager.Manager):  # type: ignore[misc]
    """honcho's manager, with two of its gaps closed.

    A stop signal that comes before every process has reported its id raises a KeyError there, and
    the time to stop is counted from the first end and not from the signal: with all of them stuck
    it would never run out.
    """

    def __init__(self, started: Callable[[], None]) -> None:
        """`started` is called once, when the processes have been forked."""
        super().__init__(LastingPrinter(sys.stdout))
        self._process_ctor = Child
        self._started = started

    def _stop_soon(self, number: int, _frame: object) -> None:
        """Only leaves word: the loop, which looks every tenth of a second, does the stopping."""
        self.returncode = honcho.manager.SIGNALS[number]["rc"]

    def terminate(self) -> None:
        if self._all_started():
            super().terminate()

    def _any_stopped(self) -> bool:
        return self.returncode is not None or bool(super()._any_stopped())

    def _start(self) -> None:
        # Held back until the handlers of every process stand: the keepers inherit this.
        signal.pthread_sigmask(signal.SIG_BLOCK, STOP_SIGNALS)
        try:
            # honcho's own handler prints, which fails where the signal came while printing.
            for number in honcho.manager.SIGNALS:
                signal.signal(number, self._stop_soon)
            super()._start()
            self._started()
        finally:
            signal.pthread_sigmask(signal.SIG_UNBLOCK, STOP_SIGNALS)


def run_all(
    commands: Sequence[Command],
    environ: Mapping[str, str],
    stop_seconds: float,
    started: Callable[[], None],
) -> bool:
    """Runs `commands` until a stop signal comes; True where one did, False where one gave up.

    A command has `stop_seconds` to end. The listeners are closed here, so that the port is free
    as soon as its process has ended.
    """
    if multiprocessing.get_start_method(allow_none=True) != "fork":
        # The listeners are inherited, and a fork shares the memory. No thread runs yet.
        multiprocessing.set_start_method("fork", force=True)
    honcho.manager.KILL_WAIT = stop_seconds + GRACE_SECONDS
    listeners = [command.listener for command in commands if command.listener]

    def forked() -> None:
        for listener in listeners:
            listener.close()
        started()

    runner = Runner(forked)
    descriptors = {listener.fileno() for listener in listeners}
    for command in commands:
        child = runner.add_process(
            command.name, command.shell_line(stop_seconds), env=dict(environ), cwd=str(ROOT)
        )
        child.inherited = (command.listener.fileno(),) if command.listener else ()
        child.unwanted = tuple(descriptors - set(child.inherited))
    if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:  # as it is under nohup
        signal.signal(signal.SIGHUP, lambda number, frame: os.kill(os.getpid(), signal.SIGTERM))
    try:
        runner.loop()
    except BaseException:
        runner.kill()  # or Python would wait at its exit for children that nobody stops
        raise
    return runner.returncode in {rule["rc"] for rule in honcho.manager.SIGNALS.values()}
