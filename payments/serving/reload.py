"""Asks the running web process for a new gunicorn, and waits: `python -m payments.serving.reload`.

Exit codes: 0 the new one serves, 1 it could not be started and the old one goes on, or nothing
runs; 2 a wrong configuration, with which nothing was tried.
"""

from __future__ import annotations

import os
import signal
import sys
import time

from payments.app import settings_from_environment
from payments.local.console import complain, say
from payments.serving.handover import START_SECONDS
from payments.serving.report import Report, ReportFile
from payments.serving.web import report_file
from payments.variables import ConfigError

# A reload that was asked for before may have to end first.
PATIENCE_SECONDS = 2 * START_SECONDS + 5
POLL_SECONDS = 0.05


def main() -> int:
    try:
        file = report_file(settings_from_environment())
    except ConfigError as error:
        complain(str(error))
        return 2
    before = file.read()
    if before is None:
        complain(f"No web process runs here ({file.path} says so). Start it first.")
        return 1
    os.kill(before.process, signal.SIGHUP)
    after = _wait(file, before)
    if after is None or after.problem:
        complain(f"Not reloaded: {after.problem if after else 'no answer came'}.")
        return 1
    say("The web process serves the new version.")
    return 0


def _wait(file: ReportFile, before: Report) -> Report | None:
    """The first report of a reload that ended after `before`."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline:
        now = file.read()
        if now is None or now.process != before.process:
            return None
        if now.reloads > before.reloads:
            return now
        time.sleep(POLL_SECONDS)
    return None


if __name__ == "__main__":
    sys.exit(main())
