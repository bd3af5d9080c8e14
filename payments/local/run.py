"""`make run`: starts the service on this machine and stops it with Ctrl-C; see service.py.

Exit codes: 0 stopped by Ctrl-C or SIGTERM, 1 could not start or keep running, 2 a configuration
or a command line that cannot be used.
"""

from __future__ import annotations

import argparse
import signal
import sys
from collections.abc import Sequence
from types import FrameType

from payments.local.console import exit_code_of
from payments.parent_process import kernel_request

STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def main(arguments: Sequence[str] | None = None) -> int:
    _stop_by_exception()
    options = _options(arguments)
    if options.end_with_parent:
        kernel_request()(signal.SIGTERM)
    try:
        return exit_code_of(lambda: _serve(options.dev))
    except KeyboardInterrupt:
        return 0


def _serve(dev: bool) -> int:
    # Not at the top: it takes most of a second, in which Ctrl-C should already work.
    from payments.local import service

    return service.serve(service.prepare(dev))


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser("python -m payments.local.run", description=__doc__)
    parser.add_argument("--dev", action="store_true", help="reload the web code, log everything")
    parser.add_argument("--end-with-parent", action="store_true", help="stop when make is killed")
    return parser.parse_args(arguments)


def _stop_by_exception() -> None:
    """Until honcho takes over, a stop signal unwinds what was started; a second one is ignored."""
    for number in STOP_SIGNALS:
        if signal.getsignal(number) is not signal.SIG_IGN:  # nohup, and its like
            signal.signal(number, _interrupt)


def _interrupt(number: int, frame: FrameType | None) -> None:
    for each in STOP_SIGNALS:
        signal.signal(each, signal.SIG_IGN)
    raise KeyboardInterrupt


if __name__ == "__main__":
    sys.exit(main())
