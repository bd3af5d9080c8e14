"""What operators may do to events: which actions there are, which events they are for, and why not.

The same rules say what a dry run foresees and what is then done.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from payments.attempts import bury_all
from payments.errors import InvalidQuery
from payments.events import EventFilter
from payments.models import DEAD, DISCARDED, RECEIVED, Event, EventPayload, utc_now

BATCH = 1000


@dataclass(frozen=True, kw_only=True)
class Action:
    """Something that operators do to events.

    Attributes:
        name: as the audit log has it.
        change: does it, to an event whose lock is ours.
        status: what an event must be for it; None where that does not matter.
        needs_payload: whether it has no sense once the payload has expired.
        needs_reason: whether the operator must say why.
    """

    name: str
    change: Callable[[Session, Event], None]
    status: str | None = None
    needs_payload: bool = True
    needs_reason: bool = False

    def refusal(self, status: str | None, has_payload: bool) -> str | None:
        """Why it is not done to an event of this status (None: there is no event), or None."""
        if status is None:
            return "there is no such event"
        if self.status not in (None, status):
            return f"skipped: it is {status}, not {self.status}"
        if self.needs_payload and not has_payload:
            return "skipped: its payload has expired"
        return None


@dataclass(frozen=True, kw_only=True)
class ItemResult:
    """What became of one event: `done`, or why it was skipped."""

    event_id: int
    done: bool
    outcome: str


@dataclass(frozen=True, kw_only=True)
class Preview:
    """What an action would do now: the events it would be done to, and those it would skip."""

    ids: list[int]
    skipped: list[ItemResult]

    def describe(self) -> dict[str, Any]:
        """The whole of it, ready for JSON."""
        return {
            "matched": len(self.ids) + len(self.skipped),
            "ids": self.ids,
            "skipped": [vars(result) for result in self.skipped],
            "dry_run": True,
        }


def freeze(session: Session, action: Action, which: EventFilter, *, confirmed: bool) -> list[int]:
    """The primary keys that a filter matches now: what happens later does not widen it.

    Raises:
        InvalidQuery: the filter leaves out nothing that `action` is for, and that is not
            confirmed; or it wants a status that `action` is not for.
    """
    if action.status is not None:
        if which.status not in (None, action.status):
            raise InvalidQuery(f"status: it is always {action.status} here.")
        which = replace(which, status=None)
    if which.is_everything and not confirmed:
        raise InvalidQuery("The filter matches everything; say so explicitly if that is meant.")
    query = replace(which, status=action.status or which.status).apply(select(Event))
    found: list[int] = []
    while True:
        after = found[-1] if found else 0
        following = query.with_only_columns(Event.id).where(Event.id > after).order_by(Event.id)
        batch = session.scalars(following.limit(BATCH)).all()
        found += batch
        if len(batch) < BATCH:
            return found


def preview(session: Session, action: Action, ids: Sequence[int]) -> Preview:
    """What `action` would do to these events now."""
    refusals: dict[int, str | None] = {}
    for start in range(0, len(ids), BATCH):
        batch = ids[start : start + BATCH]
        rows = session.execute(
            select(Event.id, Event.status, EventPayload.event_id)
            .outerjoin(EventPayload, EventPayload.event_id == Event.id)
            .where(Event.id.in_(batch))
        )
        refusals |= {id: action.refusal(status, kept is not None) for id, status, kept in rows}
    unknown = action.refusal(None, has_payload=False)
    results = [(id, refusals.get(id, unknown)) for id in ids]
    return Preview(
        ids=[id for id, refusal in results if refusal is None],
        skipped=[
            ItemResult(event_id=id, done=False, outcome=refusal)
            for id, refusal in results
            if refusal
        ],
    )


def _start_over(session: Session, event: Event) -> None:
    bury_all(session, event.id, utc_now())
    event.status = RECEIVED
    event.attempts = 0
    event.next_attempt_at = utc_now()
    event.processed_at = None


def _give_up(_session: Session, event: Event) -> None:
    event.status, event.next_attempt_at, event.failure_group_id = DISCARDED, None, None


RETRY = Action(name="dlq.retry", change=_start_over, status=DEAD)
REPLAY = Action(name="events.replay", change=_start_over)
DISCARD = Action(
    name="dlq.discard", change=_give_up, status=DEAD, needs_payload=False, needs_reason=True
)
