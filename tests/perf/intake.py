"""Deliveries per second, beside a bare Flask route and beside the INSERTs alone."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import asdict

from tests.perf.errors import WrongResult
from tests.perf.figures import Section
from tests.perf.plan import INTAKE_RATIO, METRICS_CPU, WEB_MEMORY, Plan
from tests.perf.presigned import Requests, write_requests
from tests.perf.progress import progress
from tests.perf.stack import BARE, SERVICE, UNMEASURED, WEB_PROCESSES, WEB_THREADS, Stack, Web
from tests.perf.usage import Memory, children_of, cpu_seconds, memory_of
from tests.perf.wrk import send
from tests.perf.yardstick import insert_directly

WARM_UP_SECONDS = 1.0
LATENCIES = ("p50", "p90", "p99", "max")
Measured = dict[str, list[float]]


def measure_intake(stack: Stack, plan: Plan) -> Section:
    measured: Measured = defaultdict(list)
    with stack.web(BARE) as bare, stack.web(SERVICE) as service, stack.web(UNMEASURED) as without:
        progress("warming up")
        for web in (bare, service, without):
            _warm_up(stack, web, plan)
        for number in range(plan.rounds):
            progress(f"intake, round {number + 1} of {plan.rounds}")
            _round(stack, plan, bare, {"service": service, "without": without}, measured)
        service_memory, bare_memory = _memory(service), _memory(bare)
    return _section(plan, measured, service_memory, bare_memory)


def _warm_up(stack: Stack, web: Web, plan: Plan) -> None:
    requests = write_requests(stack.folder / "requests", plan.most_requests // 4)
    send(requests, web.port, WARM_UP_SECONDS, plan.connections)


def _round(
    stack: Stack, plan: Plan, bare: Web, services: dict[str, Web], measured: Measured
) -> None:
    """Each contestant once. What is slow for a while is then slow for all of them."""
    requests = write_requests(stack.folder / "requests", plan.most_requests)
    stack.clear()
    _load(bare, requests, plan, measured, "bare", again=True)
    for name, service in services.items():
        stack.clear()
        answered = _load(service, requests, plan, measured, name)
        _require_kept(stack, answered)
    stack.clear()
    committed, per_second = insert_directly(stack, plan)
    measured["inserts"].append(per_second)
    _require_kept(stack, committed)


def _load(
    web: Web, requests: Requests, plan: Plan, measured: Measured, name: str, again: bool = False
) -> int:
    """Returns how many were answered, all of them with 2xx."""
    before = cpu_seconds(web.process)
    load = send(requests, web.port, plan.seconds, plan.connections, again=again)
    cpu = cpu_seconds(web.process) - before
    measured[name].append(load.per_second)
    measured[f"{name} cpu"].append(1000 * cpu / load.answered)
    for latency in LATENCIES:
        measured[f"{name} {latency}"].append(asdict(load)[latency])
    progress(f"  {name}: {load.per_second:,.0f}/s, p99 {load.p99:.0f} ms")
    return load.answered


def _memory(web: Web) -> list[Memory]:
    return [memory_of(worker) for worker in children_of(web.process)]


def _require_kept(stack: Stack, answered: int) -> None:
    """What was answered with 2xx is what is kept, no more and no less."""
    kept = {table: stack.count(table) for table in ("events", "event_payloads")}
    if set(kept.values()) != {answered}:
        raise WrongResult(f"{answered} were accepted, but these are kept: {kept}")


def _section(
    plan: Plan, measured: Measured, service_memory: list[Memory], bare_memory: list[Memory]
) -> Section:
    section = Section(
        "Intake",
        [
            f"Signed Stripe webhooks of 2 KB at {plan.connections} connections: wrk, gunicorn "
            f"with {WEB_PROCESSES} processes of {WEB_THREADS} threads, PostgreSQL with durable "
            "commits, valkey with AOF.",
            "bare route: Flask reads the body and answers, under the same gunicorn. direct "
            "INSERTs: the same rows by psycopg, prepared, from as many processes and threads.",
            "without metrics: the service with METRICS_ENABLED=0.",
            "In every round, what was answered with 2xx was counted in the database.",
        ],
    )
    service = section.add("service", "requests/s", measured["service"])
    bare = section.add("bare route", "requests/s", measured["bare"])
    inserts = section.add("direct INSERTs", "transactions/s", measured["inserts"])
    section.add_ratio(INTAKE_RATIO, service, bare)
    section.add_ratio("intake / direct INSERTs", service, inserts)
    cpu = section.add("service, CPU of the web per request", "ms", measured["service cpu"])
    without = section.add("service without metrics", "requests/s", measured["without"])
    section.add_ratio("intake with metrics / without", service, without)
    without_cpu = section.add(
        "service without metrics, CPU of the web per request", "ms", measured["without cpu"]
    )
    section.add_ratio(METRICS_CPU, cpu, without_cpu)
    bare_cpu = section.add("bare route, CPU of the web per request", "ms", measured["bare cpu"])
    section.add_ratio("CPU per request, bare route / intake", bare_cpu, cpu)
    for latency in LATENCIES:
        section.add(f"service, {latency}", "ms", measured[f"service {latency}"])
    for latency in LATENCIES:
        section.add(f"bare route, {latency}", "ms", measured[f"bare {latency}"])
    section.add(WEB_MEMORY, "MiB", [memory.rss for memory in service_memory])
    section.add("web worker, PSS", "MiB", [memory.pss for memory in service_memory])
    section.add("bare route's worker, RSS", "MiB", [memory.rss for memory in bare_memory])
    section.add("bare route's worker, PSS", "MiB", [memory.pss for memory in bare_memory])
    return section
