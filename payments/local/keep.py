"""Keeps one command running: `python -m payments.local.keep [--stop-seconds N] -- command …`.

The command is started again whenever it ends, until the keeper is told to stop. Only the
standard library is imported, because there is one keeper for each process of the service.
"""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from types import FrameType

from payments.parent_process import POLL_SECONDS, kernel_request

FIRST_DELAY_SECONDS = 0.25
LONGEST_DELAY_SECONDS = 10.0
HEALTHY_SECONDS = 60.0
DEFAULT_STOP_SECONDS = 60.0
STOP_SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
USAGE = "usage: python -m payments.local.keep [--stop-seconds N] -- command [argument …]"


def next_delay(previous: float, lifetime: float, returncode: int) -> float:
    """Seconds to wait before the next start; `previous` is the last wait, 0 at first.

    An exit with 0 is a worker that was due for recycling, not a failure.
    """
    if returncode == 0 or lifetime >= HEALTHY_SECONDS or not previous:
        return FIRST_DELAY_SECONDS
    return min(previous * 2, LONGEST_DELAY_SECONDS)


class Keeper:
    """Runs `command` until a stop signal comes, or until the keeper's parent is gone.

    The command gets its own session, so that a signal sent to the keeper's group does not reach
    it as well: RQ takes a second SIGTERM as the order to kill the job it is running.
    """

    def __init__(self, command: Sequence[str], stop_seconds: float = DEFAULT_STOP_SECONDS) -> None:
        self.command = list(command)
        self.stop_seconds = stop_seconds
        self._id, self._parent = os.getpid(), os.getppid()
        self._die_with_parent = kernel_request()
        self._die_with_parent(signal.SIGTERM)
        self._child: subprocess.Popen[bytes] | None = None
        self._stop_by: float | None = None
        self._wakeup = _wake_on_signals()

    def run(self) -> None:
        """Returns when the command has ended after a stop signal."""
        for number in STOP_SIGNALS:
            signal.signal(number, self._stop)
        # Whoever started the keeper may have held signals back until it was ready for them.
        signal.pthread_sigmask(signal.SIG_UNBLOCK, STOP_SIGNALS)
        delay = 0.0
        while self._stop_by is None:
            began = time.monotonic()
            returncode = self._run_once()
            if self._stop_by is None:
                delay = next_delay(delay, time.monotonic() - began, returncode)
                say(f"{self._name} {ending(returncode)}; it is started again in {delay:g} s")
                self._wait(time.monotonic() + delay)

    @property
    def _name(self) -> str:
        """`jobs.worker` for `python -m jobs.worker`, else the program without its folder."""
        if self.command[1:2] == ["-m"]:
            return self.command[2]
        return os.path.basename(self.command[0])

    def _run_once(self) -> int:
        try:
            child = self._start()
        except OSError as error:
            say(f"{self._name} could not be started: {error.strerror}")
            return 127
        if child is None:
            return 0
        try:
            return self._watch(child)
        finally:
            self._child = None
            _kill_group(child.pid)

    def _start(self) -> subprocess.Popen[bytes] | None:
        """The command's process; None where a stop came first.

        Signals are held back meanwhile: a stop in between would find no child to pass it on to.
        """
        signal.pthread_sigmask(signal.SIG_BLOCK, STOP_SIGNALS)
        try:
            if self._stop_by is None:
                self._child = subprocess.Popen(  # noqa: S603
                    self.command,
                    stdin=subprocess.DEVNULL,
                    close_fds=False,  # a descriptor that the keeper was handed is for the command
                    start_new_session=True,
                    preexec_fn=self._in_child,
                )
            return self._child
        finally:
            signal.pthread_sigmask(signal.SIG_UNBLOCK, STOP_SIGNALS)

    def _in_child(self) -> None:
        for number in STOP_SIGNALS:
            signal.signal(number, signal.SIG_DFL)
        self._die_with_parent(signal.SIGTERM)
        if os.getppid() != self._id:  # the keeper was killed before the kernel was asked
            os._exit(1)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, STOP_SIGNALS)

    def _watch(self, child: subprocess.Popen[bytes]) -> int:
        while child.poll() is None:
            if self._stop_by is not None and time.monotonic() >= self._stop_by:
                say(f"{self._name} did not end within {self.stop_seconds:g} s and is killed")
                _kill_group(child.pid)
            self._wait(time.monotonic() + POLL_SECONDS, until_any_signal=True)
        return child.returncode

    def _stop(self, number: int = 0, frame: FrameType | None = None) -> None:
        """The first stop signal is passed on, as SIGTERM; later ones change nothing."""
        if self._stop_by is not None:
            return
        self._stop_by = time.monotonic() + self.stop_seconds
        if self._child is not None:
            self._child.terminate()

    def _wait(self, until: float, until_any_signal: bool = False) -> None:
        """Sleeps until the time or a stop; perhaps until any signal, such as SIGCHLD."""
        while (left := until - time.monotonic()) > 0:
            if os.getppid() != self._parent:
                self._stop()
            if self._stop_by is not None and not until_any_signal:
                return
            if select.select([self._wakeup], [], [], min(left, POLL_SECONDS))[0]:
                os.read(self._wakeup, 512)
                if until_any_signal:
                    return


def _wake_on_signals() -> int:
    """A descriptor that becomes readable when a signal arrives: no busy waiting for the child."""
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    signal.set_wakeup_fd(writer, warn_on_full_buffer=False)
    signal.signal(signal.SIGCHLD, lambda number, frame: None)
    return reader


def _kill_group(leader: int) -> None:
    """Ends what is left of the child's group: gunicorn's workers outlive a killed master."""
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(leader, signal.SIGKILL)


def ending(returncode: int) -> str:
    """How a process ended, in words."""
    if returncode >= 0:
        return f"ended with {returncode}"
    try:
        return f"was ended by {signal.Signals(-returncode).name}"
    except ValueError:
        return f"was ended by signal {-returncode}"


def say(message: str) -> None:
    """Whoever read our output may be gone; the command must be kept all the same."""
    with suppress(OSError, ValueError):
        sys.stdout.write(f"keeper: {message}\n")
        sys.stdout.flush()


def main(arguments: Sequence[str]) -> int:
    options, separator, command = _split(arguments)
    stop_seconds = DEFAULT_STOP_SECONDS
    if len(options) == 2 and options[0] == "--stop-seconds":
        stop_seconds = float(options[1])
        options = []
    if options or not separator or not command:
        sys.stderr.write(f"{USAGE}\n")
        return 2
    Keeper(command, stop_seconds).run()
    return 0


def _split(arguments: Sequence[str]) -> tuple[list[str], bool, list[str]]:
    words = list(arguments)
    if "--" not in words:
        return words, False, []
    at = words.index("--")
    return words[:at], True, words[at + 1 :]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
