"""What must be true when the dust has settled, judged from the evidence alone.

`violations(evidence)` is empty, or says what was lost, doubled or left lying, with the events.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from tests.faults.events import ONLY_END
from tests.faults.evidence import AttemptRow, AuditRow, EventRow, Evidence

END_STATES = ("processed", "ignored", "dead", "discarded")
SUCCESS = ("processed", "ignored")
RETRY, DISCARD, REPLAY = "dlq.retry", "dlq.discard", "events.replay"


@dataclass(frozen=True)
class Violation:
    """A broken rule: its name, the event's key or primary key, and what was seen."""

    rule: str
    event: object
    seen: str

    def __str__(self) -> str:
        return f"{self.rule}: {self.event}: {self.seen}"


Rule = Callable[[Evidence], Iterator[tuple[object, str]]]


def violations(evidence: Evidence) -> list[Violation]:
    """Every broken rule with every event that breaks it."""
    return [
        Violation(name, event, seen)
        for name, rule in RULES.items()
        for event, seen in rule(evidence)
    ]


def nothing_accepted_is_missing(it: Evidence) -> Iterator[tuple[object, str]]:
    kept = {event.key for event in it.events}
    for key, entry in it.accepted.items():
        if key not in kept:
            yield key, f"accepted at {entry.at:.3f}, and there is no row"


def nothing_is_there_that_was_not_sent(it: Evidence) -> Iterator[tuple[object, str]]:
    for event in it.events:
        if event.key not in it.accepted:
            yield event.key, "there is a row, and the sender knows of no acceptance"


def no_event_has_two_rows(it: Evidence) -> Iterator[tuple[object, str]]:
    for key, count in Counter(event.key for event in it.events).items():
        if count > 1:
            yield key, f"{count} rows"


def the_bytes_are_those_that_were_sent(it: Evidence) -> Iterator[tuple[object, str]]:
    for event in it.events:
        entry = it.accepted.get(event.key)
        if entry and not event.body_sha256 == event.noted_sha256 == entry.sha256:
            yield event.key, f"sent {entry.sha256}, kept {event.body_sha256}"


def every_event_has_ended(it: Evidence) -> Iterator[tuple[object, str]]:
    for event in it.events:
        if event.status not in END_STATES:
            yield event.key, f"is {event.status} after {event.attempts} attempts"


def each_ends_as_its_kind_must(it: Evidence) -> Iterator[tuple[object, str]]:
    discarded = _events_of(it, DISCARD)
    for event in it.events:
        entry = it.accepted.get(event.key)
        wanted = ONLY_END.get(entry.kind) if entry else None
        if wanted == "dead" and event.id in discarded:
            wanted = "discarded"
        if entry and wanted and event.status != wanted:
            yield event.key, f"is {event.status}, and {entry.kind} must be {wanted}"
        elif entry and not wanted and event.status == "ignored":
            yield event.key, "is ignored, although it has a handler"


def each_effect_happened_once(it: Evidence) -> Iterator[tuple[object, str]]:
    """Once for each time that it was processed; a replay is meant to do it again."""
    for event in it.events:
        outcomes = [attempt.outcome for attempt in it.attempts.get(event.id, [])]
        wanted = 1 if event.status == "processed" else 0
        if _replays(it, event):
            wanted = outcomes.count("processed")
        if it.effects[event.id] != wanted:
            yield event.key, f"is {event.status}, with {it.effects[event.id]} effects"
    for id in it.effects.keys() - {event.id for event in it.events}:
        yield id, "has an effect, and no row"


def outside_effects_repeat_only_after_a_death(it: Evidence) -> Iterator[tuple[object, str]]:
    """At least once; once more only for each attempt whose process died."""
    known = {outside_key(event): event for event in it.events}
    for key, event in known.items():
        if not _kind(it, event).endswith("outside"):
            continue
        done, deaths = it.outside[key], _deaths(it.attempts.get(event.id, []))
        if done > 1 + deaths:
            yield event.key, f"done {done} times outside, with {deaths} dead attempts"
        if event.status == "processed" and not (done and it.ledger[key] == 1):
            yield event.key, f"processed, done {done} times outside, noted {it.ledger[key]} times"
    for key in it.outside.keys() - known.keys():
        yield key, "done outside for an event that has no row"


def each_dead_event_has_a_failed_job(it: Evidence) -> Iterator[tuple[object, str]]:
    dead = {event.id for event in it.events if event.status == "dead"}
    for id in sorted(dead - it.failed):
        yield id, "is dead, without a job in the FailedJobRegistry"
    for id in sorted(it.failed - dead):
        yield id, "has a failed job, and is not dead"


def each_dead_event_is_listed(it: Evidence) -> Iterator[tuple[object, str]]:
    if it.listed is None:
        return
    dead = {event.id for event in it.events if event.status == "dead"}
    for id in sorted(dead ^ it.listed):
        yield id, f"{'is' if id in dead else 'is not'} dead, and the list says otherwise"


def attempts_are_numbered_without_holes(it: Evidence) -> Iterator[tuple[object, str]]:
    for event in it.events:
        numbers = [attempt.number for attempt in it.attempts.get(event.id, [])]
        if numbers != list(range(1, len(numbers) + 1)):
            yield event.key, f"has the attempts {numbers}"


def one_attempt_succeeded_where_the_event_did(it: Evidence) -> Iterator[tuple[object, str]]:
    """One since each replay; several replays before the next attempt are as good as one."""
    for event in it.events:
        outcomes = [attempt.outcome for attempt in it.attempts.get(event.id, [])]
        succeeded = [outcome for outcome in outcomes if outcome in SUCCESS]
        replays = _replays(it, event)
        since = max((replay.at for replay in replays), default="")
        latest = [
            attempt.outcome
            for attempt in it.attempts.get(event.id, [])
            if attempt.started_at >= since and attempt.outcome in SUCCESS
        ]
        wanted = [event.status] if event.status in SUCCESS else []
        if latest != wanted or len(succeeded) > len(wanted) + len(replays):
            yield event.key, f"is {event.status}, and its attempts ended {outcomes}"


def no_attempt_is_left_open(it: Evidence) -> Iterator[tuple[object, str]]:
    for event in it.events:
        attempts = it.attempts.get(event.id, [])
        if event.status in END_STATES and any(attempt.outcome is None for attempt in attempts):
            yield event.key, f"is {event.status}, with an attempt that has no end"


def attempts_are_counted(it: Evidence) -> Iterator[tuple[object, str]]:
    """The column counts the attempts since the event came, or was last retried."""
    retried_at = {row.event_id: row.at for row in it.audit if _started_over(row)}
    for event in it.events:
        since = retried_at.get(event.id, "")
        made = sum(attempt.started_at >= since for attempt in it.attempts.get(event.id, []))
        if event.attempts != made:
            yield event.key, f"says {event.attempts} attempts, and {made} are written down"


def the_audit_adds_up(it: Evidence) -> Iterator[tuple[object, str]]:
    """Each thing an operator did is in the log, once, and nothing else says it was done."""
    done = Counter((r.action, r.event_id, r.reason) for r in it.audit if r.outcome == "done")
    meant = Counter((o.action, o.event_id, o.reason) for o in it.operations)
    for action, id, reason in (done - meant) + (meant - done):
        logged, asked = done[action, id, reason], meant[action, id, reason]
        yield id, f"{action} ({reason}): logged {logged} times, done {asked} times"
    discarded = _events_of(it, DISCARD)
    for event in it.events:
        if (event.status == "discarded") != (event.id in discarded):
            yield event.key, f"is {event.status}; discarded by an operator: {event.id in discarded}"


RULES: dict[str, Rule] = {
    rule.__name__.replace("_", " "): rule
    for rule in (
        nothing_accepted_is_missing,
        nothing_is_there_that_was_not_sent,
        no_event_has_two_rows,
        the_bytes_are_those_that_were_sent,
        every_event_has_ended,
        each_ends_as_its_kind_must,
        each_effect_happened_once,
        outside_effects_repeat_only_after_a_death,
        each_dead_event_has_a_failed_job,
        each_dead_event_is_listed,
        attempts_are_numbered_without_holes,
        one_attempt_succeeded_where_the_event_did,
        no_attempt_is_left_open,
        attempts_are_counted,
        the_audit_adds_up,
    )
}


def outside_key(event: EventRow) -> str:
    """The key under which the handler does its outside effect."""
    provider, _account, event_id = event.key
    return f"mail:{provider}:{event_id}"


def _kind(it: Evidence, event: EventRow) -> str:
    entry = it.accepted.get(event.key)
    return entry.kind if entry else ""


def _deaths(attempts: list[AttemptRow]) -> int:
    return sum(attempt.outcome in ("died", None) for attempt in attempts)


def _started_over(row: AuditRow) -> bool:
    return row.action in (RETRY, REPLAY) and row.outcome == "done"


def _replays(it: Evidence, event: EventRow) -> list[AuditRow]:
    return [
        row
        for row in it.audit
        if (row.event_id, row.action, row.outcome) == (event.id, REPLAY, "done")
    ]


def _events_of(it: Evidence, action: str) -> set[int]:
    return {operation.event_id for operation in it.operations if operation.action == action}
