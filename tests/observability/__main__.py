"""`python -m tests.observability [--long]`: check alerts, dashboard and runbook; say what was seen.

With `--long`, break Redis, a handler, a signing secret, the workers and the scheduler in turn, and
see the right alert fire in its time.

Exit codes: 0 all is right; 1 something is not; 2 a program is missing; 130 Ctrl-C.
"""

from __future__ import annotations

import argparse
import signal
import sys
import time

from tests.observability.errors import MissingTool, Wrong
from tests.observability.files import (
    alerts,
    panels,
    queries,
    sections_named_by_alerts,
    sections_of_runbook,
)
from tests.observability.incidents import break_in_turn
from tests.observability.prometheus import Prometheus
from tests.observability.promtool import check_files, require_prometheus
from tests.observability.scene import scene

LOAD_SECONDS = 60


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.observability", description=__doc__)
    parser.add_argument("--long", action="store_true", help="break things, some fifteen minutes")
    long = parser.parse_args().long
    for stop in (signal.SIGINT, signal.SIGTERM):
        signal.signal(stop, signal.default_int_handler)
    try:
        require_prometheus()
        check(long)
    except MissingTool as error:
        sys.stderr.write(f"{error}\n")
        return 2
    except (Wrong, AssertionError) as error:
        sys.stderr.write(f"WRONG: {error}\n")
        return 1
    except KeyboardInterrupt:
        return 130
    return 0


def check(long: bool) -> None:
    for line in check_files():
        say(line)
    say(check_runbook())
    say("starting the service, Prometheus and some traffic")
    with scene() as running:
        say(check_queries(running.prometheus))
        if unhealthy := running.prometheus.unhealthy_rules():
            raise Wrong(f"Prometheus cannot evaluate: {', '.join(unhealthy)}")
        say("every rule is evaluated without an error")
        if long:
            break_in_turn(running, say)


def check_runbook() -> str:
    named = sections_named_by_alerts()
    if len(named) != len(alerts()):
        raise Wrong(f"{len(alerts())} alerts name {len(named)} sections of RUNBOOK.md")
    if missing := set(named) - sections_of_runbook():
        raise Wrong(f"RUNBOOK.md has no section {', '.join(sorted(missing))}")
    return f"each of {len(named)} alerts has its section in RUNBOOK.md"


def check_queries(prometheus: Prometheus) -> str:
    """Each query of each panel returns numbers, within a minute of load."""
    deadline = time.monotonic() + LOAD_SECONDS
    without = queries()
    while without and time.monotonic() < deadline:
        time.sleep(2)
        without = [query for query in without if not prometheus.query(query.expression)]
    if without:
        told = "\n".join(f"  {query.panel}: {query.expression}" for query in without)
        raise Wrong(f"no data for:\n{told}")
    return (
        f"{len(queries())} queries of {len(panels())} panels were run against Prometheus "
        "and returned data of the service under load"
    )


def say(line: str) -> None:
    sys.stdout.write(f"[{time.strftime('%H:%M:%S', time.gmtime())}] {line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
