"""One gunicorn on a socket that somebody else holds."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from contextlib import suppress

from payments.config import ROOT
from payments.parent_process import kernel_request
from payments.web.readiness import READY_DESCRIPTOR


class Server:
    """A gunicorn that has been started: it says when it is ready, and can be asked to leave.

    It has a session of its own, so that a signal for the group of the holder does not reach it:
    SIGINT would make gunicorn drop the requests that it is answering.
    """

    def __init__(self, listener: int) -> None:
        """`listener` is the descriptor of the listening socket."""
        self.started = time.monotonic()
        self.leave_by: float | None = None
        self.is_ready = False
        self._news, ours = os.pipe()
        os.set_blocking(self._news, False)
        die_with_parent = kernel_request()
        try:
            self._process = subprocess.Popen(  # noqa: S603
                [
                    *(sys.executable, "-m", "gunicorn"),
                    *("--config", "python:payments.web.server"),
                    *("--bind", f"fd://{listener}", "wsgi:app"),
                ],
                cwd=ROOT,
                env={**os.environ, READY_DESCRIPTOR: str(ours), "PYTHONUNBUFFERED": "1"},
                stdin=subprocess.DEVNULL,
                pass_fds=(listener, ours),
                start_new_session=True,
                preexec_fn=lambda: die_with_parent(signal.SIGTERM),
            )
        except BaseException:
            os.close(self._news)
            raise
        finally:
            os.close(ours)

    @property
    def pid(self) -> int:
        return self._process.pid

    def fileno(self) -> int:
        """Readable when it has become ready, or has ended."""
        return self._news

    def look(self) -> None:
        with suppress(BlockingIOError):
            self.is_ready = self.is_ready or os.read(self._news, 1) != b""

    def ended(self) -> int | None:
        """Its exit code; None while it runs."""
        return self._process.poll()

    def leave(self, seconds: float) -> None:
        """Take no more connections, answer what has come, and end within `seconds`."""
        if self.leave_by is None:
            self.leave_by = time.monotonic() + seconds
            self._process.terminate()

    def kill(self) -> None:
        """End it and its workers at once."""
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()

    def close(self) -> None:
        os.close(self._news)
