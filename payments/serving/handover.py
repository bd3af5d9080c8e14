"""Changing the gunicorn behind a port without closing the port.

    holder ─┬─ gunicorn (serves)
            └─ gunicorn (SIGHUP: started beside it; once it is ready, the first one leaves)

The holder keeps the listening socket for as long as it lives. So connections that come while no
gunicorn accepts them wait in the socket's queue instead of being refused: in a handover none is
lost, and after a crash they wait for the second that a start takes. A new gunicorn is a new
interpreter: it serves the code and the settings that are there now. One that does not get ready
leaves everything as it was.
"""

from __future__ import annotations

import os
import select
import signal
import socket
import time
from collections.abc import Callable
from types import FrameType

from payments.local.keep import ending, next_delay
from payments.parent_process import POLL_SECONDS
from payments.serving.server import Server

START_SECONDS = 60.0
# gunicorn gives its workers 30 seconds (graceful_timeout), and ends those that took longer.
LEAVE_SECONDS = 35.0
STOP_SIGNALS = (signal.SIGTERM, signal.SIGINT)

Say = Callable[[str], None]


class Handover:
    """Runs gunicorns on `listener` until a stop signal; one that serves, and whoever comes or goes.

    `reloaded` is called after each reload that was asked for, with what went wrong or "".
    """

    def __init__(self, listener: socket.socket, say: Say, reloaded: Say) -> None:
        self._listener = listener
        self._say, self._reloaded = say, reloaded
        self._serving: Server | None = None
        self._next: Server | None = None
        self._leaving: list[Server] = []
        self._has_served = self._reload_asked = self._is_reload = self._stopping = False
        self._delay = 0.0
        self._start_at = time.monotonic()
        self._wakeup = _wake_on_signals(self._on_signal)

    def run(self) -> int:
        """Returns when all have ended: 0 after a stop signal, else the first one's exit code."""
        failed = 0
        while not failed and not self._done():
            self._start_what_is_due()
            self._wait()
            failed = self._look_at_next()
            self._look_at_serving()
            self._look_at_leaving()
            if self._stopping:
                self._stop()
        return failed

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        if number == signal.SIGHUP:
            self._reload_asked = True
        else:
            self._stopping = True

    def _done(self) -> bool:
        return self._stopping and not (self._serving or self._next or self._leaving)

    def _start_what_is_due(self) -> None:
        """The first one, one in place of one that died, or one for a reload."""
        if self._next or self._stopping:
            return
        if self._serving is None and time.monotonic() >= self._start_at:
            self._next = Server(self._listener.fileno())
        elif self._serving and self._reload_asked:
            self._reload_asked, self._is_reload = False, True
            self._next = Server(self._listener.fileno())
            self._say(f"reload: gunicorn {self._next.pid} is started beside {self._serving.pid}")

    def _look_at_next(self) -> int:
        """Lets it serve when it is ready; returns its exit code where nobody has ever served."""
        if (new := self._next) is None:
            return 0
        new.look()
        code = new.ended()
        if code is None and new.is_ready:
            self._serve(new)
        elif code is not None or time.monotonic() > new.started + START_SECONDS:
            self._give_up(new)
            return 0 if self._has_served or self._stopping else abs(code or 1)
        return 0

    def _serve(self, new: Server) -> None:
        if self._serving:
            self._leave(self._serving)
        self._serving, self._next, self._has_served = new, None, True
        self._say(f"gunicorn {new.pid} serves")
        self._end_reload("")

    def _give_up(self, new: Server) -> None:
        code = new.ended()
        why = f"did not get ready in {START_SECONDS:g} s" if code is None else ending(code)
        new.kill()
        new.close()
        self._next = None
        problem = f"the new gunicorn {why}; its reasons are in the log"
        self._say(problem)
        self._end_reload(f"{problem}. The one that was there goes on" if self._serving else problem)
        self._plan_start(new, 1)

    def _end_reload(self, problem: str) -> None:
        if self._is_reload:
            self._is_reload = False
            self._reloaded(problem)

    def _look_at_serving(self) -> None:
        if self._serving and (code := self._serving.ended()) is not None and not self._stopping:
            dead, self._serving = self._serving, None
            dead.close()
            self._plan_start(dead, code)
            self._say(f"gunicorn {dead.pid} {ending(code)}; started again in {self._delay:g} s")

    def _plan_start(self, ended: Server, code: int) -> None:
        self._delay = next_delay(self._delay, time.monotonic() - ended.started, code)
        self._start_at = time.monotonic() + self._delay

    def _look_at_leaving(self) -> None:
        for server in list(self._leaving):
            if server.ended() is None and time.monotonic() > (server.leave_by or 0):
                self._say(
                    f"gunicorn {server.pid} did not end in {LEAVE_SECONDS:g} s, and is killed"
                )
                server.kill()
            if server.ended() is not None:
                server.close()
                self._leaving.remove(server)

    def _leave(self, server: Server) -> None:
        server.leave(LEAVE_SECONDS)
        self._leaving.append(server)

    def _stop(self) -> None:
        for server in (self._serving, self._next):
            if server:
                self._leave(server)
        self._serving = self._next = None

    def _wait(self) -> None:
        """Until a signal, news of the next one, or a while has passed: deadlines are looked at."""
        watched: list[int | Server] = [self._wakeup]
        if self._next and not self._next.is_ready:
            watched.append(self._next)
        readable = select.select(watched, [], [], POLL_SECONDS / 4)[0]
        if self._wakeup in readable:
            os.read(self._wakeup, 512)


def _wake_on_signals(handler: Callable[[int, FrameType | None], None]) -> int:
    """A descriptor that becomes readable when a signal arrives, a child's end included."""
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    signal.set_wakeup_fd(writer, warn_on_full_buffer=False)
    for number in (*STOP_SIGNALS, signal.SIGHUP):
        signal.signal(number, handler)
    signal.signal(signal.SIGCHLD, lambda number, frame: None)
    return reader
