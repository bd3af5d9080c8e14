"""`python -m tests.perf [--quick]`: measure, and say what came of it.

Exit codes: 0 everything was right, however fast it was; 1 the service did something wrong;
2 a program is missing; 130 Ctrl-C.
"""

from __future__ import annotations

import argparse
import os
import signal
import sys
from types import FrameType
from typing import NoReturn

from tests.perf.errors import MissingTool, WrongResult
from tests.perf.intake import measure_intake
from tests.perf.plan import FULL, QUICK, Plan
from tests.perf.processing import measure_processing
from tests.perf.progress import progress
from tests.perf.report import markdown, save
from tests.perf.stack import stack
from tests.perf.start import measure_start
from tests.perf.wrk import require_wrk

SCENARIOS = (measure_intake, measure_processing, measure_start)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.perf", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="only see that everything runs")
    plan = QUICK if parser.parse_args().quick else FULL
    for stop in (signal.SIGINT, signal.SIGTERM):
        signal.signal(stop, _interrupt)
    try:
        require_wrk()
        run(plan)
    except MissingTool as error:
        sys.stderr.write(f"{error}\n")
        return 2
    except (WrongResult, AssertionError) as error:
        sys.stderr.write(f"WRONG: {error}\n")
        return 1
    except KeyboardInterrupt:
        sys.stderr.write("Stopped; nothing is left running.\n")
        return 130
    return 0


def run(plan: Plan) -> None:
    load_before = os.getloadavg()[0]
    progress("starting PostgreSQL and valkey")
    with stack() as running:
        sections = [measure(running, plan) for measure in SCENARIOS]
    text = markdown(plan, sections, (load_before, os.getloadavg()[0]))
    folder = save(plan, sections, text)
    sys.stdout.write(f"{text}\n")
    progress(f"written to {folder}")


def _interrupt(_signal: int, _frame: FrameType | None) -> NoReturn:
    """End the run; from then on, nothing interrupts the stopping of what it has started."""
    for stop in (signal.SIGINT, signal.SIGTERM):
        signal.signal(stop, signal.SIG_IGN)
    raise KeyboardInterrupt


if __name__ == "__main__":
    sys.exit(main())
