"""Which number a group of facts has: its own, one of several that it had, or a new one."""

from __future__ import annotations

from sqlalchemy import delete, insert, select
from sqlalchemy.orm import Session

from payments.ledger.groups import Group, divide
from payments.ledger.reading import Known
from payments.ledger.statements import Account, Causes
from payments.ledger.writing import GROUPS, PAYMENTS
from payments.models import Payment


def place(session: Session, account: Account, known: Known, wanted: Causes) -> list[Group]:
    """The groups that `wanted` divides into, each with the number of its rows.

    A payment keeps its number when its root turns out to be another object. When several become
    one, the row of the root stays, else the oldest. Facts come apart only where a later version
    reads an event in another way.
    """
    groups = [Group.of(account, {fact: wanted[fact] for fact in facts}) for facts in divide(wanted)]
    payment_ids: dict[int, str] = {}
    if len(known.groups) > 1 or len(groups) > 1:
        payment_ids = _payment_ids(session, known)
    free = set(known.groups)
    for group in sorted(groups, key=lambda group: not _numbers_of_root(group, payment_ids)):
        before = {known.entries[fact].group for fact in group.causes if fact in known.entries}
        mine = _numbers_of_root(group, payment_ids) & free or before & free
        group.id = min(mine) if mine else _new_number(session)
        free.discard(group.id)
    _free_names(session, groups, payment_ids)
    return groups


def _payment_ids(session: Session, known: Known) -> dict[int, str]:
    query = select(Payment.id, Payment.payment_id).where(Payment.id.in_(known.groups))
    return dict(session.execute(query).all())


def _numbers_of_root(group: Group, payment_ids: dict[int, str]) -> set[int]:
    """The number of the row that has this group's root for its payment id, if there is one."""
    root = group.projection.payment_id if group.projection else None
    return {id for id, payment_id in payment_ids.items() if payment_id == root}


def _new_number(session: Session) -> int:
    new: int = session.execute(insert(GROUPS).returning(GROUPS.c.id)).scalar_one()
    return new


def _free_names(session: Session, groups: list[Group], payment_ids: dict[int, str]) -> None:
    """Rows whose payment id changes are written anew, lest two swap theirs and collide."""
    roots = {group.id: group.projection.payment_id for group in groups if group.projection}
    renamed = [id for id, payment_id in payment_ids.items() if roots.get(id) != payment_id]
    if renamed:
        session.execute(delete(PAYMENTS).where(PAYMENTS.c.id.in_(renamed)))
