"""The web process: holds the port, and runs gunicorn behind it (`python -m payments.serving.web`).

SIGHUP replaces gunicorn, SIGTERM and SIGINT end everything after the requests that are being
answered. Exit codes: 0 stopped, 1 gunicorn could not be started, 2 a wrong configuration.
"""

from __future__ import annotations

import itertools
import os
import socket
import sys
import time
from dataclasses import replace

from payments.config import Settings, environment, load_settings
from payments.local.console import exit_code_of, say
from payments.local.errors import PortBusy
from payments.local.lock import private_folder
from payments.local.ports import PORTS, address_of, listen
from payments.providers import REGISTERED
from payments.serving.handover import LEAVE_SECONDS, Handover
from payments.serving.report import Report, ReportFile


def main() -> int:
    # The handlers' modules are gunicorn's alone to load: this process outlives their versions.
    return exit_code_of(lambda: serve(load_settings(environment(), REGISTERED)))


def serve(settings: Settings) -> int:
    """Until a stop signal; returns the exit code.

    Raises:
        LocalError: the port cannot be had.
    """
    private_folder(settings.var_dir)
    file = report_file(settings)
    with file.held(), _listener(settings) as listener:
        say(f"web: holds {address_of(listener)}, process {os.getpid()}")
        report = Report(os.getpid())
        file.write(report)
        numbers = itertools.count(1)

        def reloaded(problem: str) -> None:
            file.write(replace(report, reloads=next(numbers), problem=problem))

        return Handover(listener, lambda text: say(f"web: {text}"), reloaded).run()


def report_file(settings: Settings) -> ReportFile:
    return ReportFile(settings.var_dir, port_of(settings))


def port_of(settings: Settings) -> int:
    """Not any free one, as `make run` takes: the proxy in front must know it."""
    return settings.app_port or PORTS[0]


def _listener(settings: Settings) -> socket.socket:
    """Waits for the gunicorn of a killed predecessor to have answered what it had begun."""
    deadline = time.monotonic() + LEAVE_SECONDS
    while True:
        try:
            return listen(settings.app_host, port_of(settings))
        except PortBusy:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.1)


if __name__ == "__main__":
    sys.exit(main())
