"""What a run has left behind, read with SQL and Redis commands of our own.

Nothing of the service is imported: a mistake that the service and its checker share would hide
itself.
"""

from __future__ import annotations

import hashlib
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import redis
from sqlalchemy import Connection, Engine, text

from tests.faults.journal import Accepted, Key

FAILED_JOBS = "rq:failed:payments"
JOB_OF_EVENT = re.compile(r"event-(\d+)-")


@dataclass(frozen=True)
class EventRow:
    id: int
    key: Key
    status: str
    attempts: int
    body_sha256: str | None
    noted_sha256: str | None


@dataclass(frozen=True)
class AttemptRow:
    number: int
    outcome: str | None
    started_at: str


@dataclass(frozen=True)
class AuditRow:
    action: str
    event_id: int | None
    outcome: str
    reason: str | None
    at: str


@dataclass(frozen=True)
class Operation:
    """Something that the run did as an operator, and that the CLI said was done."""

    action: str
    event_id: int
    reason: str


@dataclass(frozen=True, kw_only=True)
class Evidence:
    """Everything that the invariants are judged by.

    Attributes:
        accepted: what the sender's journal says, by (provider, account, event id).
        events: every row, also where two have the same key.
        effects: how many effect rows each event has, by primary key.
        outside: how often each outside effect was done, by its key.
        ledger: how many rows of the effect ledger each key has.
        failed: the events that have a whole job in the FailedJobRegistry.
        listed: the ids that `flask dlq list --json` has shown; None where it was not asked.
    """

    accepted: Mapping[Key, Accepted]
    events: list[EventRow]
    attempts: Mapping[int, list[AttemptRow]]
    effects: Counter[int]
    outside: Counter[str]
    ledger: Counter[str]
    failed: frozenset[int]
    listed: frozenset[int] | None = None
    audit: list[AuditRow] = field(default_factory=list)
    operations: list[Operation] = field(default_factory=list)


def collect(
    engine: Engine,
    client: redis.Redis,
    accepted: Mapping[Key, Accepted],
    outside: Iterable[str],
    listed: Iterable[int] | None = None,
    operations: Iterable[Operation] = (),
) -> Evidence:
    """Read the database and Redis as they are now; `outside` are the lines of the outside world."""
    with engine.connect() as connection:
        return Evidence(
            accepted=accepted,
            events=_events(connection),
            attempts=_attempts(connection),
            effects=_counts(connection, "SELECT event_id, count(*) FROM fault_effects GROUP BY 1"),
            outside=Counter(outside),
            ledger=_counts(connection, "SELECT key, count(*) FROM effects GROUP BY 1"),
            failed=frozenset(failed_events(client)),
            listed=None if listed is None else frozenset(listed),
            audit=_audit(connection),
            operations=list(operations),
        )


def failed_events(client: redis.Redis) -> set[int]:
    """The events with a job in the FailedJobRegistry that can be looked at there."""
    found = set()
    for member in client.zrange(FAILED_JOBS, 0, -1):
        job = member.decode()
        match = JOB_OF_EVENT.match(job)
        if match and client.exists(f"rq:job:{job}"):
            found.add(int(match[1]))
    return found


def _events(connection: Connection) -> list[EventRow]:
    rows = connection.execution_options(stream_results=True).execute(
        text(
            "SELECT e.id, e.provider, e.account, e.event_id, e.status, e.attempts, p.body, "
            "p.sha256 FROM events e LEFT JOIN event_payloads p ON p.event_id = e.id ORDER BY e.id"
        )
    )
    return [
        EventRow(
            row.id,
            (row.provider, row.account, row.event_id),
            row.status,
            row.attempts,
            None if row.body is None else hashlib.sha256(row.body).hexdigest(),
            row.sha256,
        )
        for row in rows
    ]


def _attempts(connection: Connection) -> dict[int, list[AttemptRow]]:
    found: dict[int, list[AttemptRow]] = defaultdict(list)
    rows = connection.execute(
        text("SELECT event_id, number, outcome, started_at FROM attempts ORDER BY event_id, number")
    )
    for row in rows:
        found[row.event_id].append(AttemptRow(row.number, row.outcome, str(row.started_at)))
    return dict(found)


def _audit(connection: Connection) -> list[AuditRow]:
    rows = connection.execute(
        text("SELECT action, event_id, outcome, reason, at FROM audit_log ORDER BY id")
    )
    return [AuditRow(r.action, r.event_id, r.outcome, r.reason, str(r.at)) for r in rows]


def _counts(connection: Connection, statement: str) -> Counter[Any]:
    return Counter({row[0]: row[1] for row in connection.execute(text(statement))})
