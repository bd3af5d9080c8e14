"""One run: send, break, wait until it is quiet, act as the operator, judge."""

from __future__ import annotations

import contextlib
import random
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

from tests.faults.evidence import Evidence, Operation, collect, failed_events
from tests.faults.injector import Injector
from tests.faults.invariants import Violation, violations
from tests.faults.journal import read_journal
from tests.faults.kinds import kinds_for, plan
from tests.faults.kinds.base import Fault
from tests.faults.kinds.deliveries import KillerEvent
from tests.faults.kinds.disk import DiskFull
from tests.faults.operator import dead_letters, operate
from tests.faults.options import Options
from tests.faults.sender import Sender
from tests.faults.stack import Stack, stack
from tests.faults.watch import counts, say

SAY_SECONDS = 5.0


@dataclass
class Result:
    """What a run has come to."""

    options: Options
    faults: Counter[str]
    events: int
    seconds: float
    statuses: Counter[str]
    answers: Counter[str]
    violations: list[Violation]
    surprises: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)

    @property
    def is_good(self) -> bool:
        return not (self.violations or self.surprises or self.problems)


def run(options: Options) -> Result:
    """Raises AssertionError where the servers do not start, or it does not get quiet in time."""
    began = time.monotonic()
    with stack(options) as running, contextlib.ExitStack() as undo:
        say(f"{options.faults} faults, {options.events} events, {options.database}")
        injector: list[Injector] = []
        sender = Sender(
            list(running.service.ports.values()),
            running.journal,
            options.seed,
            options.events,
            lambda: injector[0].events_allowed(),
        )
        target = running.target(sender)
        injector.append(Injector(_planned(options, running), target, options))
        undo.callback(sender.stop)
        undo.callback(injector[0].stop)
        return _drive(options, running, sender, injector[0], began)


def _planned(options: Options, running: Stack) -> list[type[Fault]]:
    kinds = kinds_for(options.database)
    if options.database == "sqlite" and running.disk is None:
        say("Not done: a full disk. Mounting a small one needs root.")
        kinds.remove(DiskFull)
    if options.short:  # three deaths take longer than the short form may
        kinds.remove(KillerEvent)
    return plan(kinds, options.faults, random.Random(options.seed))


def _drive(
    options: Options, running: Stack, sender: Sender, injector: Injector, began: float
) -> Result:
    sender.start()
    injector.start()
    show = Show(running, sender, injector)
    show.until(lambda: injector.is_done, None)
    show.until(lambda: sender.is_done, options.quiet_seconds)
    quiet = show.until(lambda: is_quiet(running), options.quiet_seconds)
    operations: list[Operation] = []
    if not quiet:
        injector.problems.append(f"it was not quiet within {options.quiet_seconds:g} s")
    else:
        try:
            environment = running.service.environment
            for done in operate(environment, dead_letters(environment)):
                operations.append(done)
        except AssertionError as error:  # what the run has left behind is judged all the same
            injector.problems.append(str(error))
        say(f"operator: {Counter(operation.action for operation in operations)}")
        show.until(lambda: is_quiet(running), options.quiet_seconds)
    evidence = _evidence(running, operations)
    result = Result(
        options=options,
        faults=injector.counts,
        events=len(evidence.accepted),
        seconds=time.monotonic() - began,
        statuses=Counter(event.status for event in evidence.events),
        answers=sender.answers,
        violations=violations(evidence),
        surprises=sender.surprises,
        problems=injector.problems,
    )
    if not sender.is_done:
        result.problems.append(f"{sender.unsettled} deliveries were never accepted")
    return result


def _evidence(running: Stack, operations: list[Operation]) -> Evidence:
    return collect(
        running.engine,
        running.valkey.client,
        read_journal(running.journal.file),
        running.outside_lines,
        dead_letters(running.service.environment),
        operations,
    )


def is_quiet(running: Stack) -> bool:
    """Nothing is unfinished, and Redis shows as many dead letters as there are."""
    now = counts(running.engine)
    if now is None or now.unfinished:
        return False
    return len(failed_events(running.valkey.client)) == now.dead


class Show:
    """Waits, and meanwhile says how far everything is."""

    def __init__(self, running: Stack, sender: Sender, injector: Injector) -> None:
        self._running, self._sender, self._injector = running, sender, injector
        self._said_at = 0.0

    def until(self, condition: Callable[[], bool], seconds: float | None) -> bool:
        """Whether the condition came true within `seconds`."""
        deadline = time.monotonic() + (seconds or float("inf"))
        while not condition():
            if time.monotonic() > deadline:
                return False
            if time.monotonic() - self._said_at > SAY_SECONDS:
                self._said_at = time.monotonic()
                say(self._line())
            time.sleep(0.2)
        return True

    def _line(self) -> str:
        now = counts(self._running.engine)
        state = "the database does not answer"
        if now is not None:
            state = f"finished {now.finished}, dead {now.dead}, oldest unfinished {now.oldest}"
        return (
            f"faults {self._injector.done}, begun {self._sender.begun}, "
            f"accepted {self._running.journal.count}, waiting {self._sender.unsettled}, {state}"
            f" | {self._injector.latest}"
        )
