"""Finding events: a page costs the same with ten events and a million.

Rows come newest first by their id. An index that begins with a filter's column (event_filter.py)
gives them in that order, so a page reads little more than what it shows. A pattern has no such
index, but each of the types that it matches does.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from sqlalchemy import Select, func, select, union_all
from sqlalchemy.orm import Session

from payments.event_filter import EventFilter, leads_to_few, like
from payments.models import Event

# Beyond so many types a pattern chooses too much for a query by type; then the newest come first.
MOST_TYPES = 50
# Times with no more events than this are looked through as a whole.
MOST_IN_SHORT = 5000
NO_ID = 0


def newest(
    session: Session, which: EventFilter, *, limit: int, before: int | None, after: int | None
) -> Select[Event]:
    """The query of a page: at most `limit` matching events with an id between the two."""
    query = _between(select(Event), before, after)
    if leads_to_few(which):
        return _first(query.where(*which.conditions()), limit)
    if _is_short(session, which):
        return _sorted(query.where(*which.conditions(by_time=True)), limit)
    types = _types(session, which.type) if _is_pattern(which) else None
    if types == []:
        return query.where(Event.id == NO_ID)
    if types is None or len(types) > MOST_TYPES:
        return _first(query.where(*which.conditions()), limit)
    return _first(query.where(Event.id.in_(_of_each(query, which, types, limit))), limit)


def _between(query: Select[Any], before: int | None, after: int | None) -> Select[Any]:
    query = query if before is None else query.where(Event.id < before)
    return query if after is None else query.where(Event.id > after)


def _first(query: Select[Any], limit: int) -> Select[Any]:
    return query.order_by(Event.id.desc()).limit(limit)


def _sorted(query: Select[Any], limit: int) -> Select[Any]:
    """The same by sorting what is found, where the primary key must not lead."""
    return query.order_by((Event.id + 0).desc()).limit(limit)


def _is_short(session: Session, which: EventFilter) -> bool:
    """Whether the time that is meant has so few events that all of them may be looked at."""
    if which.since is None:
        return False
    times = [Event.received_at >= which.since]
    times += [Event.received_at < which.until] if which.until is not None else []
    some = select(Event.received_at).where(*times).limit(MOST_IN_SHORT + 1).subquery()
    return (session.scalar(select(func.count()).select_from(some)) or 0) <= MOST_IN_SHORT


def _is_pattern(which: EventFilter) -> bool:
    return which.type is not None and "*" in which.type and bool(which.type.strip("*"))


def _of_each(
    query: Select[Any], which: EventFilter, types: Sequence[str], limit: int
) -> Select[int]:
    """The newest of each type: those of all types are among them."""
    ids = query.with_only_columns(Event.id)
    each = [
        _first(ids.where(*replace(which, type=name).conditions()), limit).subquery()
        for name in types
    ]
    return select(union_all(*(select(one.c.id) for one in each)).subquery().c.id)


def _types(session: Session, pattern: str | None) -> list[str]:
    """The types that events have and the pattern matches, by leaps from one to the next."""
    first = select(func.min(Event.event_type).label("name")).cte("types", recursive=True)
    following = (
        select(func.min(Event.event_type)).where(Event.event_type > first.c.name).scalar_subquery()
    )
    types = first.union_all(select(following).where(first.c.name.is_not(None)))
    query = select(types.c.name).where(types.c.name.like(like(pattern or "*"), escape="\\"))
    return list(session.scalars(query.limit(MOST_TYPES + 1)))
