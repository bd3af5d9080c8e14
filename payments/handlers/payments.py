"""The handler that is always there: what an event says of a payment goes into the ledger.

It runs before all others, in the event's transaction, whatever `PAYMENTS_HANDLERS` names.
"""

from __future__ import annotations

from sqlalchemy.orm import Session

from payments.handlers.registry import HandledEvent
from payments.ledger import Account, Cause, state
from payments.projection.reading import read_event


def project_event(event: HandledEvent, session: Session) -> bool:
    """Bring the payment up to date; whether the event is about one.

    What does not make sense in it becomes a finding, never a failure.

    Raises:
        LostRace: the transaction has to begin anew.
    """
    facts = read_event(event.provider, event.event_type, event.data).facts
    if facts:
        state(session, account_of(event), facts, cause_of(event))
    return bool(facts)


def account_of(event: HandledEvent) -> Account:
    return Account(provider=event.provider, name=event.account)


def cause_of(event: HandledEvent) -> Cause:
    return Cause(
        event=event.id,
        event_id=event.event_id,
        at=event.provider_created_at,
        livemode=event.livemode,
    )
