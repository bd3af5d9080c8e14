"""Which events are meant: the filter of lists, pages and bulk operations.

Planners do not always see which index is the best: SQLite has no statistics here, and would as soon
go through every event of a provider as through the few that are dead. So the most selective filter
leads, and the others are kept from being chosen.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Select
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement

from payments.errors import InvalidQuery
from payments.models import IGNORED, PROCESSED, STATUSES, Event
from payments.pages import check_identifiers, check_times
from payments.storable import is_storable

LONGEST_ERROR_FILTER = 500
# Filters that an index leads with, the most selective first.
LEADERS = ("event_id", "object_id", "status", "event_type", "provider")
# Nearly all events have one of these, so another filter leads before them.
COMMON = (PROCESSED, IGNORED)


@dataclass(frozen=True, kw_only=True)
class EventFilter:
    """Which events. `type` is a pattern on `event_type` in which `*` stands for any characters.

    `error` is a part of `last_error`'s text; `since` and `until` (exclusive) are aware times that
    bound `received_at`. None means: whatever it is.
    """

    provider: str | None = None
    account: str | None = None
    status: str | None = None
    type: str | None = None
    event_id: str | None = None
    object_id: str | None = None
    error: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    conflicts: bool | None = None

    def __post_init__(self) -> None:
        """Raises InvalidQuery for what could never match because it is not understood."""
        if self.status is not None and self.status not in STATUSES:
            raise InvalidQuery(f"status: use one of {', '.join(STATUSES)}.")
        check_identifiers(self, ("provider", "account", "type", "event_id", "object_id"))
        if self.error is not None and not 0 < len(self.error) <= LONGEST_ERROR_FILTER:
            raise InvalidQuery(f"error: use 1 to {LONGEST_ERROR_FILTER} characters.")
        if self.error is not None and not is_storable(self.error):
            raise InvalidQuery("error: use valid Unicode without NUL, as every error's text is.")
        check_times(self)

    @property
    def is_everything(self) -> bool:
        """Whether it leaves nothing out."""
        if self.type is not None and self.type.strip("*"):
            return False
        others = {field.name for field in fields(self)} - {"type"}
        return all(getattr(self, name) is None for name in others)

    def apply(self, query: Select[Event]) -> Select[Event]:
        return query.where(*self.conditions())

    def conditions(self, *, by_time: bool = False) -> list[ColumnElement[bool]]:
        """What an event must be like to match; `by_time` lets the time of arrival lead."""
        found = _equalities(self, by_time=by_time)
        if self.type is not None and "*" in self.type:
            found.append(Event.event_type.like(like(self.type), escape="\\"))
        if self.error is not None:
            found.append(Event.last_error.is_not(None))
            found.append(Event.last_error.contains(self.error, autoescape=True))
        if self.since is not None:
            found.append(Event.received_at >= self.since)
        if self.until is not None:
            found.append(Event.received_at < self.until)
        if self.conflicts is not None:
            found.append(Event.conflicts > 0 if self.conflicts else Event.conflicts == 0)
        return found


def like(pattern: str) -> str:
    """The LIKE pattern, escaped by a backslash, for one in which `*` stands for any characters."""
    return re.sub(r"([\\%_])", r"\\\1", pattern).replace("*", "%")


def _equalities(which: EventFilter, *, by_time: bool) -> list[ColumnElement[bool]]:
    exact = None if which.type is None or "*" in which.type else which.type
    given = {
        "event_id": which.event_id,
        "object_id": which.object_id,
        "status": which.status,
        "event_type": exact,
        "provider": which.provider,
        "account": which.account,
    }
    leader = _leader(which, {name for name, value in given.items() if value is not None})
    leader = None if by_time else leader
    return [
        (_column(name) if name == leader else NotLeading(_column(name))) == value
        for name, value in given.items()
        if value is not None
    ]


def _leader(which: EventFilter, given: set[str]) -> str | None:
    """None where no equality leads: the indexes of errors and of conflicts are small."""
    able = [name for name in LEADERS if name in given]
    selective = [name for name in able if name in ("event_id", "object_id") or is_rare(which, name)]
    if selective:
        return selective[0]
    if which.error is not None or which.conflicts:
        return None
    return next((name for name in able if name != "status"), next(iter(able), None))


def leads_to_few(which: EventFilter) -> bool:
    """Whether a filter with an index of its own leaves few events to look at."""
    leaders = (which.event_id, which.object_id, which.error, which.conflicts or None)
    return is_rare(which) or any(leader is not None for leader in leaders)


def is_rare(which: EventFilter, name: str = "status") -> bool:
    """Whether few events have the status that is meant."""
    return name == "status" and which.status not in (None, *COMMON)


def _column(name: str) -> Any:
    return getattr(Event, name)


class NotLeading(FunctionElement[Any]):
    """The same value, which on SQLite no index is used for. PostgreSQL has statistics."""

    inherit_cache = True


@compiles(NotLeading)
def _plain(element: NotLeading, compiler: SQLCompiler, **kwargs: Any) -> str:
    return compiler.process(element.clauses, **kwargs)


@compiles(NotLeading, "sqlite")
def _unindexed(element: NotLeading, compiler: SQLCompiler, **kwargs: Any) -> str:
    """https://sqlite.org/optoverview.html: "disqualifying terms using unary +"."""
    return f"+{compiler.process(element.clauses, **kwargs)}"
