"""What happened to one event, in the order of time: from its arrival to its end or what is due."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from payments.models import (
    DEAD,
    PROCESSED,
    RECEIVED,
    RETRYING,
    Attempt,
    AuditLog,
    Event,
    EventConflict,
)

# How a moment looks: its mark, and the word beside the mark.
GOOD, BAD, PLAIN, WAITS = "good", "bad", "plain", "waits"
OUTCOMES = {"processed": GOOD, "ignored": PLAIN, "superseded": PLAIN}
SOURCES = {
    "webhook": "Received",
    "backfill": "Fetched by reconciliation",
    "simulated": "Received, simulated",
}
ACTIONS = {
    "events.replay": "asked for a replay",
    "dlq.retry": "asked for a retry",
    "dlq.discard": "discarded it",
    "payload.reveal": "saw the payload with personal data",
}


@dataclass(frozen=True, kw_only=True)
class Moment:
    """One thing that happened, or is due.

    Attributes:
        seconds: how long it took; None where it took no time, or is not over.
        text: more about it: an error, a reason.
    """

    at: datetime
    title: str
    kind: str = PLAIN
    seconds: float | None = None
    text: str | None = None


def story_of(event: Event, audit: Sequence[AuditLog]) -> list[Moment]:
    """All of it, the earliest first; what is due comes last."""
    past = [
        *_arrival(event),
        *(_attempt(attempt) for attempt in event.history),
        *(_conflict(conflict) for conflict in event.conflicting),
        *(_action(entry) for entry in audit),
        *_end(event),
    ]
    return [*sorted(past, key=lambda it: it.at), *_due(event)]


def _arrival(event: Event) -> Iterator[Moment]:
    if event.provider_created_at is not None:
        yield Moment(at=event.provider_created_at, title=f"Made by {event.provider}")
    yield Moment(at=event.received_at, title=SOURCES[event.source])


def _attempt(attempt: Attempt) -> Moment:
    name = f"Attempt {attempt.number}"
    if attempt.outcome is None or attempt.finished_at is None:
        return Moment(at=attempt.started_at, title=f"{name} runs, or died", kind=WAITS)
    error = ": ".join(filter(None, (attempt.error_type, attempt.error_message)))
    return Moment(
        at=attempt.started_at,
        title=f"{name}: {attempt.outcome}",
        kind=OUTCOMES.get(attempt.outcome, BAD),
        seconds=max(0.0, (attempt.finished_at - attempt.started_at).total_seconds()),
        text=error or None,
    )


def _conflict(conflict: EventConflict) -> Moment:
    return Moment(
        at=conflict.received_at,
        title=f"Another delivery used its id, for {conflict.event_type}",
        kind=BAD,
        text=f"About {conflict.object_id or 'no object'}; it is kept, and not processed.",
    )


def _action(entry: AuditLog) -> Moment:
    title = f"{entry.actor} {ACTIONS.get(entry.action, entry.action)}"
    if entry.outcome != "done":
        title += f": {entry.outcome}"
    return Moment(at=entry.at, title=title, text=entry.reason)


def _end(event: Event) -> Iterator[Moment]:
    ended = [it.finished_at for it in event.history if it.finished_at is not None]
    if event.processed_at is not None:
        kind = GOOD if event.status == PROCESSED else PLAIN
        yield Moment(at=event.processed_at, title=event.status.capitalize(), kind=kind)
    elif event.status == DEAD and ended:
        yield Moment(at=ended[-1], title="Dead: it waits for an operator", kind=BAD)


def _due(event: Event) -> Iterator[Moment]:
    if event.status in (RECEIVED, RETRYING) and event.next_attempt_at is not None:
        yield Moment(at=event.next_attempt_at, title="Next attempt is due", kind=WAITS)
