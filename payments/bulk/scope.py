"""Which events a bulk operation is about: chosen once, and said in words that stay true."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from payments.actions import DISCARD, REPLAY, RETRY, Action, freeze
from payments.dead_letter_groups import dead_ids
from payments.errors import InvalidQuery
from payments.events import EventFilter
from payments.models import FailureGroup

ACTIONS = {"retry": RETRY, "replay": REPLAY, "discard": DISCARD}
NAMES = {"object_id": "object", "event_id": "event id", "error": "error text"}


@dataclass(frozen=True, kw_only=True)
class Frozen:
    """The primary keys that were meant, and the words for them."""

    ids: Sequence[int]
    words: str


@dataclass(frozen=True, kw_only=True)
class Scope:
    """Named events, or all that a filter matches, or all dead ones of some groups.

    `everything` confirms a filter that leaves nothing out.
    """

    ids: Sequence[int] | None = None
    which: EventFilter | None = None
    everything: bool = False
    group_ids: Sequence[int] | None = None

    @classmethod
    def of_ids(cls, ids: Sequence[int]) -> Scope:
        return cls(ids=ids)

    @classmethod
    def of_filter(cls, which: EventFilter, *, everything: bool = False) -> Scope:
        return cls(which=which, everything=everything)

    @classmethod
    def of_group(cls, group_id: int) -> Scope:
        return cls.of_groups([group_id])

    @classmethod
    def of_groups(cls, group_ids: Sequence[int]) -> Scope:
        return cls(group_ids=group_ids)

    def freeze(self, session: Session, action: Action, now: datetime) -> Frozen:
        """What it is now: what happens later does not widen it.

        Raises:
            InvalidQuery: the filter leaves nothing out, and that is not confirmed; or it wants
                a status that `action` is not for.
            NotFound: there is no such group.
        """
        if self.group_ids:
            group_ids = list(dict.fromkeys(self.group_ids))
            ids = [id for group_id in group_ids for id in dead_ids(session, group_id)]
            groups = " and ".join(_group(session, group_id) for group_id in group_ids)
            return Frozen(ids=sorted(ids), words=f"dead events of {groups}, as of {_time(now)}")
        if self.which is not None:
            ids = freeze(session, action, self.which, confirmed=self.everything)
            which = replace(self.which, status=action.status or self.which.status)
            return Frozen(ids=ids, words=f"{in_words(which)}, as of {_time(now)}")
        if not self.ids:
            raise InvalidQuery("Choose events: by their ids, by a filter or by their group.")
        chosen = list(dict.fromkeys(self.ids))
        return Frozen(ids=chosen, words=_chosen(len(chosen)))


def in_words(which: EventFilter) -> str:
    """The filter as a person would say it: "dead events with provider stripe, type charge.*"."""
    parts = []
    for field in fields(which):
        value: Any = getattr(which, field.name)
        if value is None or field.name in ("status", "since", "until", "conflicts"):
            continue
        parts.append(f"{NAMES.get(field.name, field.name)} {value}")
    if which.conflicts is not None:
        parts.append("conflicts" if which.conflicts else "no conflicts")
    words = f"{which.status or 'all'} events"
    words += f" with {', '.join(parts)}" if parts else ""
    words += f", received from {_time(which.since)}" if which.since else ""
    words += f", received before {_time(which.until)}" if which.until else ""
    return words


def _chosen(count: int) -> str:
    return f"{count} events that were chosen one by one" if count != 1 else "one event, by its id"


def _group(session: Session, group_id: int) -> str:
    group = session.get(FailureGroup, group_id)
    return f"group {group_id} ({group.sentence if group else ''})"


def _time(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")
