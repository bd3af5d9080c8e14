"""Writing the ledger's rows: only those that differ, and each table in one statement if it can."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Sequence
from functools import cache
from typing import Any, cast

from sqlalchemy import Insert, Table, bindparam, delete, insert, or_, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from payments.ledger.groups import Group
from payments.ledger.reading import Known
from payments.ledger.statements import Account, Causes
from payments.models import Payment, PaymentChange, PaymentGroup, PaymentObject, utc_now
from payments.projection.project import objects_of

CHANGES, OBJECTS, GROUPS, PAYMENTS = (
    cast(Table, model.__table__) for model in (PaymentChange, PaymentObject, PaymentGroup, Payment)
)

KEY = ("id", "provider", "account")


def write_changes(session: Session, known: Known, groups: Sequence[Group]) -> None:
    """One row for each fact, with its group and its cause."""
    new: list[dict[str, Any]] = []
    changed: list[dict[str, Any]] = []
    for group in groups:
        for fact, cause in group.causes.items():
            row = {"payment_id": group.id, "event_id": cause.event, "caused_at": cause.at}
            entry = known.entries.get(fact)
            if entry is None:
                new.append(
                    {"kind": fact.kind, "object_id": fact.object_id, "value": fact.value, **row}
                )
            elif (entry.group, entry.cause) != (group.id, cause):
                changed.append({"row": entry.row, **row})
    stated = {fact for group in groups for fact in group.causes}
    gone = [entry.row for fact, entry in known.entries.items() if fact not in stated]
    if gone:
        session.execute(delete(CHANGES).where(CHANGES.c.id.in_(gone)))
    if changed:
        same = CHANGES.c.id == bindparam("row")
        session.connection().execute(update(CHANGES).where(same), changed)
    if new:
        session.connection().execute(insert(CHANGES), new)


def write_objects(
    session: Session, account: Account, known: Known, groups: Sequence[Group]
) -> None:
    """One row for each object that a fact is about or links to, with its group."""
    before = {one: id for id, causes in known.groups.items() for one in objects_of(causes)}
    after = {one: group.id for group in groups for one in group.objects}
    moved: dict[int, list[str]] = defaultdict(list)
    for one, id in after.items():
        if before.get(one, id) != id:
            moved[id].append(one)
    gone = sorted(before.keys() - after.keys())
    ours = (OBJECTS.c.provider == account.provider) & (OBJECTS.c.account == account.name)
    if gone:
        session.execute(delete(OBJECTS).where(ours, OBJECTS.c.object_id.in_(gone)))
    for id, objects in moved.items():
        there = OBJECTS.c.object_id.in_(objects)
        session.execute(update(OBJECTS).where(ours, there).values(payment_id=id))
    new = [
        {
            "provider": account.provider,
            "account": account.name,
            "object_id": one,
            "payment_id": after[one],
        }
        for one in sorted(after.keys() - before.keys())
    ]
    if new:
        session.connection().execute(insert(OBJECTS), new)


def remove_groups(session: Session, ids: Collection[int]) -> None:
    """Groups without facts, and with them the payments that they were for the time being."""
    if ids:
        session.execute(delete(GROUPS).where(GROUPS.c.id.in_(ids)))


def write_payment(session: Session, account: Account, group: Group) -> None:
    """The row as the group's facts make it; none where they are no payment."""
    now = group.projection
    if now is None:
        session.execute(delete(PAYMENTS).where(PAYMENTS.c.id == group.id))
        return
    row = {
        "id": group.id,
        "provider": account.provider,
        "account": account.name,
        "payment_id": now.payment_id,
        "status": now.status,
        "currency": now.currency,
        "amount_authorized": now.amount_authorized,
        "amount_captured": now.amount_captured,
        "amount_refunded": now.amount_refunded,
        "amount_disputed": now.amount_disputed,
        "amount_fee": now.amount_fee,
        "fee_currency": now.fee_currency,
        **_told_by_causes(group.causes),
        "updated_at": utc_now(),
    }
    session.execute(_upsert(session.get_bind().dialect.name), row)


def _told_by_causes(causes: Causes) -> dict[str, Any]:
    in_order = sorted(causes.values(), key=lambda cause: cause.rank)
    modes = [cause.livemode for cause in in_order if cause.livemode is not None]
    times = [cause.at for cause in in_order if cause.event is not None and cause.at is not None]
    return {
        "livemode": modes[0] if modes else None,
        "first_event_at": min(times, default=None),
        "last_event_at": max(times, default=None),
    }


@cache
def _upsert(dialect: str) -> Insert:
    """INSERT … ON CONFLICT DO UPDATE, where anything but the time of writing differs."""
    statement = (postgresql if dialect == "postgresql" else sqlite).insert(PAYMENTS)
    values = {
        column.name: statement.excluded[column.name]
        for column in PAYMENTS.columns
        if column.name not in KEY
    }
    differs = [
        PAYMENTS.c[name].is_distinct_from(value)
        for name, value in values.items()
        if name != "updated_at"
    ]
    upsert: Insert = statement.on_conflict_do_update(
        index_elements=["id"], set_=values, where=or_(*differs)
    )
    return upsert
