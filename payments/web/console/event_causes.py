"""Why an event failed, for its page: its cause now, or that of its latest failure."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy.orm import Session

from payments.models import Event, FailureGroup


@dataclass(frozen=True, kw_only=True)
class ShownCause:
    """Attributes:
    group: the cause; None where the event died before there were groups.
    error: what the latest failed attempt said, masked.
    is_over: whether the event has got over it since.
    """

    group: FailureGroup | None
    error: str | None
    is_over: bool


def cause_of(session: Session, event: Event) -> ShownCause | None:
    """None where it has never failed."""
    failed = [it for it in event.history if it.failure_group_id is not None]
    id = event.failure_group_id or (failed[-1].failure_group_id if failed else None)
    if id is None and event.last_error is None:
        return None
    return ShownCause(
        group=session.get(FailureGroup, id) if id is not None else None,
        error=event.last_error or (failed[-1].error_message if failed else None),
        is_over=event.status in ("processed", "ignored", "discarded"),
    )
