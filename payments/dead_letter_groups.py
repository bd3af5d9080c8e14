"""Dead letters by their cause: what each cause holds up, since when, and whether it goes on.

A group holds the events whose latest failure had its cause: dead ones, and those that are retried
(payments/failure_groups.py). All queries begin at what is held, whose index has nothing else: their
cost does not grow with the events that are finished.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import Select, func, literal, select
from sqlalchemy.orm import Session

from payments.errors import NotFound
from payments.events import DEFAULT_LIMIT, MAX_ID
from payments.failure_trend import TREND_HOURS, first_and_last, hourly_failures
from payments.models import DEAD, Event, FailureGroup, columns_of
from payments.pages import Page, page_of
from payments.value_held import NOTHING, Value, value_held

MOST_GROUPS = 200


@dataclass(kw_only=True)
class Held:
    """How many events a group holds: by provider, and how many of them are dead.

    `first_id` is the smallest of their primary keys.
    """

    dead: int = 0
    retrying: int = 0
    first_id: int | None = None
    providers: set[str] = field(default_factory=set)

    @property
    def items(self) -> int:
        return self.dead + self.retrying


@dataclass(frozen=True, kw_only=True)
class Group:
    """One cause, with what it holds up now.

    Attributes:
        row: the cause itself.
        first, last: the first and the last failure for this cause of the events that are held; of a
            group that holds none, the first and the last ever.
        trend: failures of what is held, in each of the last 24 hours of UTC; the current one last.
    """

    row: FailureGroup
    held: Held
    value: Value
    first: datetime
    last: datetime
    trend: Sequence[int]

    def describe(self) -> dict[str, Any]:
        """The whole of it, ready for JSON."""
        row = columns_of(self.row)
        for name in ("sentence", "provider", "first_seen_at", "last_seen_at"):
            del row[name]
        return {
            "id": row.pop("id"),
            "cause": self.row.sentence,
            "providers": sorted(self.held.providers),
            "items": self.held.items,
            "dead": self.held.dead,
            "retrying": self.held.retrying,
            **self.value.describe(),
            "first": self.first,
            "last": self.last,
            "trend": list(self.trend),
            **row,
        }


@dataclass(frozen=True, kw_only=True)
class Groups:
    """The groups that hold something, those with most dead events first.

    Attributes:
        ungrouped: dead events without a group: recovery gives them one within half a minute.
        more: groups beyond those that are shown.
        held: what all groups hold together, also those that are not shown.
    """

    groups: Sequence[Group]
    ungrouped: int
    more: int
    held: Held

    def describe(self) -> dict[str, Any]:
        groups = [group.describe() for group in self.groups]
        return {"groups": groups, "ungrouped": self.ungrouped, "more": self.more}


@dataclass(frozen=True, kw_only=True)
class GroupDetail:
    """One group, with how many of its events have which type, and the newest of them."""

    group: Group
    types: Sequence[tuple[str, str, int]]
    newest: Event | None

    def describe(self) -> dict[str, Any]:
        types = [
            {"provider": provider, "event_type": event_type, "items": items}
            for provider, event_type, items in self.types
        ]
        newest = columns_of(self.newest) if self.newest else None
        return {**self.group.describe(), "types": types, "newest": newest}


def list_groups(session: Session, now: datetime, most: int = MOST_GROUPS) -> Groups:
    """All groups that hold something, at most `most`."""
    held = _held(session)
    ranked = sorted(held, key=lambda key: (-held[key].dead, -held[key].items, key))
    shown = ranked[:most]
    ungrouped = session.scalar(
        select(func.count())
        .select_from(Event)
        .where(Event.status == DEAD, Event.failure_group_id.is_(None))
    )
    return Groups(
        groups=_groups(session, {id: held[id] for id in shown}, now),
        ungrouped=ungrouped or 0,
        more=len(ranked) - len(shown),
        held=_together(held.values()),
    )


def count_dead(session: Session) -> int:
    """How many events are dead, in a group or not."""
    return session.scalar(select(func.count()).where(Event.status == DEAD)) or 0


def get_group(session: Session, id: int, now: datetime) -> GroupDetail:
    """One group, also one that holds nothing any more.

    Raises:
        NotFound: there is none with this primary key.
    """
    _require(session, id)
    held = _held(session, id)
    [group] = _groups(session, {id: held.get(id, Held())}, now)
    of_type = (
        select(Event.provider, Event.event_type, func.count())
        .where(Event.failure_group_id == id)
        .group_by(Event.provider, Event.event_type)
        .order_by(func.count().desc(), Event.event_type)
    )
    return GroupDetail(
        group=group,
        types=[(provider, type, count) for provider, type, count in session.execute(of_type)],
        newest=_newest(session, id),
    )


def list_items(
    session: Session,
    id: int,
    *,
    limit: int = DEFAULT_LIMIT,
    before: int | None = None,
) -> Page[Event]:
    """The dead events of a group, newest first, in keyset pages.

    Raises:
        NotFound: there is no such group.
        InvalidQuery: `limit` is not from 1 to 500, or `before` is no id.
    """
    _require(session, id)
    return page_of(session, _dead_of(id), Event.id, limit=limit, before=before)


def dead_ids(session: Session, id: int) -> Sequence[int]:
    """The primary keys of a group's dead events, oldest first.

    Raises:
        NotFound: there is no such group.
    """
    _require(session, id)
    return session.scalars(_dead_of(id).with_only_columns(Event.id).order_by(Event.id)).all()


def value_of_all_held(session: Session) -> Value:
    """What all that is held is worth together: each payment counts once."""
    events = select(literal(0).label("key"), Event.provider, Event.account, Event.object_id).where(
        Event.failure_group_id.is_not(None)
    )
    return value_held(session, events).get(0, NOTHING)


def oldest_held_at(session: Session, held: Held) -> datetime | None:
    """When the first of the events that are held was received; None where nothing is."""
    return session.scalar(select(Event.received_at).where(Event.id == held.first_id))


def _require(session: Session, id: int) -> None:
    if not 0 < id <= MAX_ID or session.get(FailureGroup, id) is None:
        raise NotFound("There is no group with this id.")


def _dead_of(id: int) -> Select[Event]:
    return select(Event).where(Event.failure_group_id == id, Event.status == DEAD)


def _newest(session: Session, id: int) -> Event | None:
    """The newest dead one; where all are retried, the newest of those."""
    newest = session.scalar(_dead_of(id).order_by(Event.id.desc()).limit(1))
    return newest or session.scalar(
        select(Event).where(Event.failure_group_id == id).order_by(Event.id.desc()).limit(1)
    )


def _held(session: Session, id: int | None = None) -> dict[int, Held]:
    mine = Event.failure_group_id.is_not(None) if id is None else Event.failure_group_id == id
    found: dict[int, Held] = defaultdict(Held)
    rows = session.execute(
        select(
            Event.failure_group_id, Event.status, Event.provider, func.count(), func.min(Event.id)
        )
        .where(mine)
        .group_by(Event.failure_group_id, Event.status, Event.provider)
    )
    for group, status, provider, count, first_id in rows:
        held = found[group or 0]
        held.first_id = min(first_id, held.first_id or first_id)
        held.providers.add(provider)
        if status == DEAD:
            held.dead += count
        else:
            held.retrying += count
    return dict(found)


def _together(held: Iterable[Held]) -> Held:
    total = Held()
    for one in held:
        total.dead += one.dead
        total.retrying += one.retrying
        total.providers |= one.providers
        total.first_id = min(filter(None, (total.first_id, one.first_id)), default=None)
    return total


def _groups(session: Session, held: dict[int, Held], now: datetime) -> list[Group]:
    """In the order of `held`."""
    ids = list(held)
    rows = {
        row.id: row for row in session.scalars(select(FailureGroup).where(FailureGroup.id.in_(ids)))
    }
    events = select(
        Event.failure_group_id.label("key"), Event.provider, Event.account, Event.object_id
    ).where(Event.failure_group_id.in_(ids), Event.failure_group_id.is_not(None))
    values = value_held(session, events)
    spans = first_and_last(session, ids)
    trends = hourly_failures(session, ids, now)
    return [_group(rows[id], held[id], values, spans, trends) for id in ids]


def _group(
    row: FailureGroup,
    held: Held,
    values: dict[Any, Value],
    spans: dict[int, tuple[datetime, datetime]],
    trends: dict[int, list[int]],
) -> Group:
    first, last = spans.get(row.id, (row.first_seen_at, row.last_seen_at))
    return Group(
        row=row,
        held=held,
        value=values.get(row.id, NOTHING),
        first=first,
        last=last,
        trend=trends.get(row.id, [0] * TREND_HOURS),
    )
