"""An event's payload for people: masked for everybody, and revealed to an operator who says why.

    masked_payload(session, id, mask)
    reveal_payload(id, actor, reason, mask)     # its line in the audit log is committed first

Card numbers and secrets are not shown to anybody.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from payments.audit import Actor, checked_reason
from payments.database import transaction
from payments.errors import NotFound
from payments.events import MAX_ID
from payments.models import AuditLog, Event, EventPayload
from payments.observability.masked_json import masked_tree
from payments.observability.masking import Masker

REVEAL = "payload.reveal"


@dataclass(frozen=True, kw_only=True)
class ShownPayload:
    """What may be seen of a payload.

    Attributes:
        size: of the whole body, in bytes; `sha256` is its digest.
        revealed: whether personal data is shown.
        masked: how many values are hidden.
        payload: the body's JSON, with "[masked]" for what is hidden.
    """

    event_id: int
    size: int
    sha256: str
    revealed: bool
    masked: int
    payload: Any

    def describe(self) -> dict[str, Any]:
        return vars(self)


def masked_payload(session: Session, id: int, mask: Masker) -> ShownPayload:
    """The payload of the event with primary key `id`, without personal data.

    Raises:
        NotFound: there is no such event, or its payload has expired.
    """
    return _shown(_kept(session, id), mask, reveal=False)


def reveal_payload(id: int, actor: Actor, reason: str | None, mask: Masker) -> ShownPayload:
    """The same with personal data, once it stands in the audit log who wanted it and why.

    Raises:
        InvalidQuery: there is no reason, or it cannot be kept.
        NotFound: as above.
    """
    why = checked_reason(reason, needed=True)
    with transaction() as session:
        kept = _kept(session, id)
        session.add(AuditLog.of(actor, REVEAL, "done", event_id=id, reason=why))
    return _shown(kept, mask, reveal=True)


def _kept(session: Session, id: int) -> EventPayload:
    if not 0 < id <= MAX_ID or session.get(Event, id) is None:
        raise NotFound("There is no event with this id.")
    kept = session.scalar(select(EventPayload).where(EventPayload.event_id == id))
    if kept is None:
        raise NotFound("The payload of this event has expired; its other columns are kept.")
    return kept


def _shown(kept: EventPayload, mask: Masker, *, reveal: bool) -> ShownPayload:
    # Intake keeps nothing that is not JSON of bounded depth.
    shown = masked_tree(json.loads(kept.body), mask, reveal=reveal)
    return ShownPayload(
        event_id=kept.event_id,
        size=len(kept.body),
        sha256=kept.sha256,
        revealed=reveal,
        masked=shown.masked,
        payload=shown.tree,
    )
