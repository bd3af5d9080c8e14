"""Findings: what does not agree, from when it was first seen until it is resolved or signed off.

    settle(session, scope, subjects, found, now)    what a look at these subjects came to
    keep(connection, scope, found, now)             what came by without a look
    sign_off(ids, actor, reason)                    an operator accepts what a finding says

Who looks writes in its own transaction; looks may happen twice, and at the same moment.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar

from sqlalchemy import ColumnElement, Connection, and_, case, select, true, update
from sqlalchemy.orm import Session

from payments.audit import Actor, checked_reason
from payments.database import insert_into, transaction
from payments.models import AuditLog, ReconciliationFinding, utc_now
from payments.models.reconciliation import OPEN, RESOLVED, SIGNED_OFF
from payments.storable import made_storable

LONGEST_SUBJECT = LONGEST_DETAIL = 255
LONGEST_STATEMENT = 1000
BATCH = 100
NAME = ("provider", "account", "source", "kind", "subject", "detail")

Item = TypeVar("Item")


@dataclass(frozen=True, kw_only=True)
class Scope:
    """Whose findings: of which provider's account, and where they come from (FINDING_SOURCES)."""

    provider: str
    account: str
    source: str


@dataclass(frozen=True, kw_only=True)
class Discrepancy:
    """One thing that does not agree; the attributes are the columns of a finding."""

    kind: str
    subject: str
    detail: str = ""
    expected: str | None = None
    found: str | None = None


@dataclass(frozen=True, kw_only=True)
class Signed:
    """What became of one finding that was to be signed off: `done`, or why it was skipped."""

    finding_id: int
    done: bool
    outcome: str


def settle(
    session: Session,
    scope: Scope,
    subjects: Collection[str],
    found: Iterable[Discrepancy],
    now: datetime,
    *,
    run_id: int | None = None,
    kinds: Collection[str] | None = None,
) -> int:
    """Keep what was `found`, and resolve what is open about `subjects` and was not found again.

    Args:
        subjects: everything that was looked at; what was not looked at stays as it is.
        kinds: the kinds that could have been found; None for all.

    Returns:
        How many of what was found are open now: not those that an operator has signed off and that
        say the same as then.
    """
    kept = keep(session, scope, found, now, run_id=run_id)
    for names in _batches(sorted(subjects)):
        _resolve(session, scope, names, kept, now, run_id, kinds)
    return sum(status == OPEN for status in kept.values())


def keep(
    connection: Session | Connection,
    scope: Scope,
    found: Iterable[Discrepancy],
    now: datetime,
    *,
    run_id: int | None = None,
) -> dict[int, str]:
    """Keep what was `found`, and resolve nothing: the ids and statuses of its rows."""
    kept: dict[int, str] = {}
    for batch in _batches(_rows(scope, found, now, run_id)):
        kept.update(_keep(connection, batch))
    return kept


def sign_off(ids: Iterable[int], actor: Actor, reason: str | None) -> Iterator[Signed]:
    """Accept open findings as they are, each in a transaction of its own.

    A finding that is signed off reopens only when what it says changes.

    Raises:
        InvalidQuery: there is no reason, or it is too long.
    """
    why = checked_reason(reason, needed=True)
    assert why is not None
    return (_sign_off(id, actor, why) for id in dict.fromkeys(ids))


def _rows(
    scope: Scope, found: Iterable[Discrepancy], now: datetime, run_id: int | None
) -> list[dict[str, Any]]:
    """One row for each name, in one order, so that two looks at once do not block each other."""
    rows = {}
    for it in found:
        name = (it.kind, _text(it.subject, LONGEST_SUBJECT), _text(it.detail, LONGEST_DETAIL))
        rows[name] = {
            **vars(scope),
            **dict(zip(("kind", "subject", "detail"), name, strict=True)),
            "expected": it.expected and _text(it.expected, LONGEST_STATEMENT),
            "found": it.found and _text(it.found, LONGEST_STATEMENT),
            "status": OPEN,
            "first_seen_at": now,
            "last_seen_at": now,
            "run_id": run_id,
        }
    return [rows[name] for name in sorted(rows)]


def _batches(items: Sequence[Item]) -> Iterator[Sequence[Item]]:
    return (items[start : start + BATCH] for start in range(0, len(items), BATCH))


def _text(value: str, most: int) -> str:
    """As the database can hold it, and not longer than its column."""
    return made_storable(value)[:most]


def _keep(
    connection: Session | Connection, rows: Sequence[dict[str, Any]]
) -> list[tuple[int, str]]:
    """Insert, or see again: the ids and statuses that the rows have then."""
    finding = ReconciliationFinding
    statement = insert_into(connection, finding).values(rows)
    new = statement.excluded
    same = and_(
        finding.expected.is_not_distinct_from(new.expected),
        finding.found.is_not_distinct_from(new.found),
    )
    stays = and_(finding.status == SIGNED_OFF, same)
    seen = statement.on_conflict_do_update(
        index_elements=NAME,
        set_={
            "expected": new.expected,
            "found": new.found,
            "last_seen_at": new.last_seen_at,
            "run_id": new.run_id,
            "status": case((stays, SIGNED_OFF), else_=OPEN),
            "resolved_at": None,
            **{name: case((stays, getattr(finding, name))) for name in _SIGNATURE},
        },
    )
    returned = connection.execute(seen.returning(*_ID_AND_STATUS))
    return [(row.id, row.status) for row in returned]


def _resolve(
    session: Session,
    scope: Scope,
    subjects: Collection[str],
    kept: Collection[int],
    now: datetime,
    run_id: int | None,
    kinds: Collection[str] | None,
) -> None:
    finding = ReconciliationFinding
    gone = session.scalars(
        select(finding.id)
        .where(
            *(getattr(finding, name) == value for name, value in vars(scope).items()),
            finding.subject.in_(subjects),
            finding.status == OPEN,
            _is_one_of(kinds),
        )
        .order_by(finding.id)
        .with_for_update()
    )
    ids = [id for id in gone if id not in kept]
    if ids:
        values = {"status": RESOLVED, "resolved_at": now, "run_id": run_id}
        session.execute(update(finding).where(finding.id.in_(ids)).values(values))


def _is_one_of(kinds: Collection[str] | None) -> ColumnElement[bool]:
    return true() if kinds is None else ReconciliationFinding.kind.in_(sorted(kinds))


def _sign_off(id: int, actor: Actor, reason: str) -> Signed:
    with transaction() as session:
        finding = session.get(ReconciliationFinding, id, with_for_update=True)
        refusal = _refusal(finding)
        if finding is not None and refusal is None:
            finding.status, finding.signed_off_at = SIGNED_OFF, utc_now()
            finding.signed_off_by, finding.signed_off_reason = actor.name, reason
        session.add(
            AuditLog.of(actor, "findings.sign_off", refusal or "done", finding_id=id, reason=reason)
        )
    return Signed(finding_id=id, done=refusal is None, outcome=refusal or "done")


def _refusal(finding: ReconciliationFinding | None) -> str | None:
    if finding is None:
        return "skipped: there is no such finding"
    if finding.status != OPEN:
        return f"skipped: it is {finding.status.replace('_', ' ')}, not open"
    return None


_SIGNATURE = ("signed_off_at", "signed_off_by", "signed_off_reason")
_ID_AND_STATUS = (ReconciliationFinding.id, ReconciliationFinding.status)
