"""Events per second that real workers process, with a handler that writes one row."""

from __future__ import annotations

import time

from tests.perf.errors import WrongResult
from tests.perf.figures import Section
from tests.perf.plan import PROCESSING_RATE, Plan
from tests.perf.presigned import write_requests
from tests.perf.progress import progress
from tests.perf.stack import SERVICE, Stack
from tests.perf.usage import Memory, children_of, cpu_seconds, memory_of
from tests.perf.wrk import send
from tests.perf.yardstick import insert_directly
from tests.support.service import Service

# Slower than this is not slow but stuck.
SLOWEST_PER_SECOND = 10
KEEPING_SECONDS = 60
POLL_SECONDS = 0.2
LOG_TAIL = 2000

RATE = """
    SELECT count(*), extract(epoch FROM max(events.processed_at) - min(attempts.started_at))
    FROM events JOIN attempts ON attempts.event_id = events.id
    WHERE events.status = 'processed' AND attempts.outcome = 'processed'
"""
UNFINISHED = "SELECT count(*) FROM events WHERE status IN ('received', 'processing', 'retrying')"


def measure_processing(stack: Stack, plan: Plan) -> Section:
    rates: list[float] = []
    inserts: list[float] = []
    cpu: list[float] = []
    memory: list[Memory] = []
    schedulers: list[Memory] = []
    for number in range(plan.rounds):
        progress(f"processing, round {number + 1} of {plan.rounds}: keeping {plan.events} events")
        _keep(stack, plan)
        with stack.workers(plan.workers) as service:
            _wait(stack, plan, service)
            processes = [process.pid for process in service.processes.values()]
            cpu.append(1000 * sum(map(cpu_seconds, processes)) / plan.events)
            memory += map(memory_of, processes)
            schedulers += [memory_of(child) for it in processes for child in children_of(it)]
        rates.append(_rate(stack, plan))
        progress(f"  {rates[-1]:,.0f} events/s")
        stack.clear()
        inserts.append(insert_directly(stack, plan)[1])
    section = Section(
        "Processing",
        [
            f"{plan.events} kept events, {plan.workers} processes of `python -m jobs.worker`, a "
            "handler that writes one row; from the first attempt's begin to the last one's end.",
            "direct INSERTs: as for intake, right after each round.",
            "In every round, each event had one attempt and one row of the handler.",
        ],
    )
    processed = section.add(PROCESSING_RATE, "events/s", rates)
    direct = section.add("direct INSERTs", "transactions/s", inserts)
    section.add_ratio("processing / direct INSERTs", processed, direct)
    section.add("CPU of the workers per event, their start included", "ms", cpu)
    section.add("RQ worker, RSS", "MiB", [it.rss for it in memory])
    section.add("RQ worker, PSS", "MiB", [it.pss for it in memory])
    section.add("RQ worker's scheduler process, RSS", "MiB", [it.rss for it in schedulers])
    section.add("RQ worker's scheduler process, PSS", "MiB", [it.pss for it in schedulers])
    return section


def _keep(stack: Stack, plan: Plan) -> None:
    """Through the front door, so that the jobs are in the queue as they always are."""
    stack.clear()
    requests = write_requests(stack.folder / "requests", plan.events)
    with stack.web(SERVICE) as web:
        send(requests, web.port, KEEPING_SECONDS, plan.connections)
    if stack.count("events") != plan.events:
        raise WrongResult(f"{plan.events} events were sent, {stack.count('events')} are kept")


def _wait(stack: Stack, plan: Plan, service: Service) -> None:
    deadline = time.monotonic() + 30 + plan.events / SLOWEST_PER_SECOND
    while stack.database.execute(UNFINISHED).fetchone() != (0,):
        for name in service.processes:
            if not service.is_running(name):
                raise WrongResult(f"{name} has ended:\n{service.log(name)[-LOG_TAIL:]}")
        if time.monotonic() > deadline:
            raise WrongResult(
                f"not all events are processed after {plan.events / SLOWEST_PER_SECOND:.0f} s"
            )
        time.sleep(POLL_SECONDS)


def _rate(stack: Stack, plan: Plan) -> float:
    row = stack.database.execute(RATE).fetchone()
    assert row is not None
    counts = {
        "processed at the first attempt": row[0],
        "attempts": stack.count("attempts"),
        "rows of the handler": stack.count("perf_orders"),
    }
    if set(counts.values()) != {plan.events}:
        raise WrongResult(f"of {plan.events} events: {counts}")
    return plan.events / float(row[1])
