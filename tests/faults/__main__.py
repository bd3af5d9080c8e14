"""`python -m tests.faults`: see docs/faults.md."""

from __future__ import annotations

import signal
import sys

from tests.faults.options import parse
from tests.faults.run import Result, run
from tests.faults.watch import say

MOST_SHOWN = 50


def main() -> int:
    # A TERM ends a run as Ctrl-C does: with everything taken down.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    options = parse()
    say(f"seed {options.seed}")
    try:
        result = run(options)
    except KeyboardInterrupt:
        say(f"interrupted; seed {options.seed}")
        return 130
    report(result)
    return 0 if result.is_good else 1


def report(result: Result) -> None:
    for name, count in sorted(result.faults.items()):
        say(f"  {count:4d}  {name}")
    say(f"answers {dict(result.answers)}")
    say(f"events by status {dict(result.statuses)}")
    for title, found in (
        ("violation", result.violations),
        ("surprising answer", result.surprises),
        ("problem", result.problems),
    ):
        for it in list(found)[:MOST_SHOWN]:
            say(f"{title}: {it}")
    say(
        f"{sum(result.faults.values())} faults, {result.events} events accepted, "
        f"{result.seconds:.0f} s, {len(result.violations)} violations, "
        f"seed {result.options.seed}"
    )


if __name__ == "__main__":
    sys.exit(main())
