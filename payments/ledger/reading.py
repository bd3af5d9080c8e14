"""What the ledger holds of some objects, read under locks that nobody else gets meanwhile."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from sqlalchemy import Select, select, text
from sqlalchemy.orm import Session

from payments.errors import LostRace
from payments.ledger.statements import Account, Cause, Causes
from payments.models import Event, PaymentChange, PaymentGroup, PaymentObject
from payments.projection.facts import Fact

LOCK_OBJECTS = text("SELECT pg_advisory_xact_lock(key) FROM unnest(CAST(:keys AS bigint[])) AS key")


@dataclass(frozen=True)
class Entry:
    """A fact in the ledger: its row, its group, and who stated it first."""

    row: int
    group: int
    cause: Cause


@dataclass(frozen=True)
class Known:
    """All facts of the groups that were asked for."""

    entries: Mapping[Fact, Entry]

    @cached_property
    def causes(self) -> Causes:
        return {fact: entry.cause for fact, entry in self.entries.items()}

    @cached_property
    def groups(self) -> Mapping[int, Causes]:
        """The facts of each group, by its primary key."""
        found: dict[int, dict[Fact, Cause]] = defaultdict(dict)
        for fact, entry in self.entries.items():
            found[entry.group][fact] = entry.cause
        return found


def read_locked(session: Session, account: Account, objects: Collection[str]) -> Known:
    """What is known of the groups of `objects`, which are locked until the transaction ends.

    Two locks, always in this order and each in ascending order, so that nobody waits in a circle:
    one on each object by its name, because one that nobody knows yet has no row to lock, and one
    on each group. SQLite has one writer, who is alone anyway.

    Raises:
        LostRace: while we waited, another transaction put the objects into other groups.
    """
    if session.get_bind().dialect.name == "postgresql":
        keys = sorted({_lock_key(account, object_id) for object_id in objects})
        session.execute(LOCK_OBJECTS, {"keys": keys})
    groups = _groups_of(account, objects)
    locked = session.scalars(
        select(PaymentGroup.id)
        .where(PaymentGroup.id.in_(groups))
        .order_by(PaymentGroup.id)
        .with_for_update()
    ).all()
    known = _read(session, groups)
    if known.groups.keys() != set(locked):
        raise LostRace
    return known


def stated_first_by(session: Session, event: int) -> set[Fact]:
    """The facts whose cause is the event with primary key `event`."""
    change = PaymentChange
    query = select(change.kind, change.object_id, change.value).where(change.event_id == event)
    return {Fact(*row) for row in session.execute(query)}


def _groups_of(account: Account, objects: Collection[str]) -> Select[int]:
    return select(PaymentObject.payment_id).where(
        PaymentObject.provider == account.provider,
        PaymentObject.account == account.name,
        PaymentObject.object_id.in_(sorted(objects)),
    )


def _read(session: Session, groups: Select[int]) -> Known:
    change = PaymentChange
    rows: Iterable[Any] = session.execute(
        select(
            change.id,
            change.payment_id,
            change.kind,
            change.object_id,
            change.value,
            change.caused_at,
            change.event_id.label("event"),
            Event.event_id,
            Event.livemode,
        )
        .outerjoin(Event, Event.id == change.event_id)
        .where(change.payment_id.in_(groups))
    )
    return Known({Fact(row.kind, row.object_id, row.value): _entry(row) for row in rows})


def _entry(row: Any) -> Entry:
    cause = Cause(
        event=row.event, event_id=row.event_id or "", at=row.caused_at, livemode=row.livemode
    )
    return Entry(row=row.id, group=row.payment_id, cause=cause)


def _lock_key(account: Account, object_id: str) -> int:
    """A number for PostgreSQL's advisory locks, which are by number."""
    name = "\0".join(("payments", account.provider, account.name, object_id))
    digest = hashlib.blake2b(name.encode(), digest_size=8).digest()
    return int.from_bytes(digest, signed=True)
