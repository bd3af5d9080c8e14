"""The INSERTs alone, for as long as intake is under load: what both scenarios are compared with."""

from __future__ import annotations

import json
import subprocess
import sys

from payments.config import ROOT
from tests.perf.errors import WrongResult
from tests.perf.plan import Plan
from tests.perf.progress import progress
from tests.perf.stack import WEB_PROCESSES, WEB_THREADS, Stack


def insert_directly(stack: Stack, plan: Plan) -> tuple[int, float]:
    """How many were committed, and how many per second; see tests/perf/inserts.py.

    From as many processes and threads as the web has, unless there are fewer connections.
    """
    processes = min(WEB_PROCESSES, plan.connections)
    threads = min(WEB_THREADS, plan.connections // processes)
    running = [
        subprocess.Popen(
            [
                *(sys.executable, "-m", "tests.perf.inserts", stack.database_url),
                *(str(plan.seconds), str(threads), str(number)),
            ],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            start_new_session=True,
        )
        for number in range(processes)
    ]
    try:
        results = [json.loads(process.communicate()[0] or b"{}") for process in running]
    finally:
        for process in running:
            process.kill()
            process.wait()
    if not all(results):
        raise WrongResult("the direct INSERTs failed")
    rate = sum(result["committed"] / result["seconds"] for result in results)
    progress(f"  inserts: {rate:,.0f}/s")
    return sum(result["committed"] for result in results), rate
