"""Looking at payments: filters, pages, one payment with all that is known of it. Only reads."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Select, or_, select
from sqlalchemy.orm import Session

from payments.errors import InvalidQuery, NotFound
from payments.ledger.statements import Cause
from payments.models import (
    Event,
    Payment,
    PaymentChange,
    PaymentObject,
    ReconciliationFinding,
    columns_of,
)
from payments.pages import DEFAULT_LIMIT, MAX_ID, Page, check_identifiers, check_times, page_of
from payments.projection.facts import STATUSES
from payments.timeline import timeline_of

EVENT_OF_CHANGE = ("id", "event_id", "event_type", "provider_created_at", "received_at")
PAYMENT_OF_EVENT = ("id", "payment_id", "status")


@dataclass(frozen=True, kw_only=True)
class PaymentFilter:
    """Which payments. `object_id` is any object of theirs: the charge, the refund, the dispute, …

    `since` and `until` (exclusive) are aware times that bound `last_event_at`, which is the
    provider's. None means: whatever it is.
    """

    provider: str | None = None
    account: str | None = None
    status: str | None = None
    payment_id: str | None = None
    object_id: str | None = None
    currency: str | None = None
    since: datetime | None = None
    until: datetime | None = None

    def __post_init__(self) -> None:
        """Raises InvalidQuery for what could never match because it is not understood."""
        if self.status is not None and self.status not in STATUSES:
            raise InvalidQuery(f"status: use one of {', '.join(STATUSES)}.")
        if self.currency is not None and not _is_currency(self.currency):
            raise InvalidQuery("currency: use the three capital letters of ISO 4217, as in EUR.")
        check_identifiers(self, ("provider", "account", "payment_id", "object_id"))
        check_times(self)

    def apply(self, query: Select[Payment]) -> Select[Payment]:
        for name in ("provider", "account", "status", "payment_id", "currency"):
            if (value := getattr(self, name)) is not None:
                query = query.where(getattr(Payment, name) == value)
        for object_id in (self.payment_id, self.object_id):
            if object_id is not None:  # a payment's id is one of its objects, and those are indexed
                with_it = PaymentObject.object_id == object_id
                query = query.where(Payment.id.in_(select(PaymentObject.payment_id).where(with_it)))
        if self.since is not None:
            query = query.where(Payment.last_event_at >= self.since)
        if self.until is not None:
            query = query.where(Payment.last_event_at < self.until)
        return query


def list_payments(
    session: Session, which: PaymentFilter, *, limit: int = DEFAULT_LIMIT, before: int | None = None
) -> Page[Payment]:
    """A page of at most `limit` payments whose id is below `before`.

    Raises:
        InvalidQuery: `limit` is not from 1 to 500, or `before` is no id.
    """
    return page_of(session, which.apply(select(Payment)), Payment.id, limit=limit, before=before)


def get_payment(session: Session, id: int) -> Payment:
    """The payment with primary key `id`.

    Raises:
        NotFound: there is none, or it has become one with another.
    """
    payment = session.get(Payment, id) if 0 < id <= MAX_ID else None
    if payment is None:
        raise NotFound("There is no payment with this id.")
    return payment


def describe_payment(session: Session, payment: Payment) -> dict[str, Any]:
    """The payment's columns, and all that is known of it.

    - `objects`: the provider's ids of what belongs to it.
    - `changes`: each fact with the `event` that stated it first, in the provider's order.
    - `timeline`: the events about any of its objects (payments/timeline.py).
    - `findings`: what does not agree, also what is resolved or signed off.
    """
    objects = _objects_of(session, payment)
    return {
        **columns_of(payment),
        "objects": objects,
        "changes": _changes_of(session, payment),
        "timeline": timeline_of(session, payment, objects),
        "findings": _findings_of(session, payment, objects),
    }


def payment_of(session: Session, event: Event) -> dict[str, Any] | None:
    """The payment that an event is about: its `id`, `payment_id` and `status`; or None."""
    by_fact = select(PaymentChange.payment_id).where(PaymentChange.event_id == event.id)
    by_object = select(PaymentObject.payment_id).where(
        PaymentObject.provider == event.provider,
        PaymentObject.account == event.account,
        PaymentObject.object_id == event.object_id,
    )
    query = select(Payment).where(or_(Payment.id.in_(by_fact), Payment.id.in_(by_object)))
    payment = session.scalars(query.order_by(Payment.id).limit(1)).one_or_none()
    if payment is None:
        return None
    return {name: getattr(payment, name) for name in PAYMENT_OF_EVENT}


def payments_about(session: Session, events: Collection[Event]) -> dict[int, Payment]:
    """The payments that these events are about, by the event's primary key; for a page of them."""
    by_fact = (
        select(PaymentChange.event_id, Payment)
        .join(Payment, Payment.id == PaymentChange.payment_id)
        .where(PaymentChange.event_id.in_([event.id for event in events]))
        .order_by(Payment.id.desc())
    )
    by_object = (
        select(PaymentObject, Payment)
        .join(Payment, Payment.id == PaymentObject.payment_id)
        .where(PaymentObject.object_id.in_([it.object_id for it in events if it.object_id]))
    )
    named = {
        (its.provider, its.account, its.object_id): payment
        for its, payment in session.execute(by_object)
    }
    objects = {event.id: (event.provider, event.account, event.object_id) for event in events}
    found = {id: named[of] for id, of in objects.items() if of in named}
    stated = {id: payment for id, payment in session.execute(by_fact) if id is not None}
    return found | stated


def has_later_facts(session: Session, event: Event) -> bool:
    """Whether something that the provider made later is already known of the event's payment."""
    payment = payments_about(session, [event]).get(event.id)
    if payment is None or event.provider_created_at is None:
        return False
    later = select(PaymentChange.id).where(
        PaymentChange.payment_id == payment.id,
        PaymentChange.caused_at > event.provider_created_at,
        PaymentChange.event_id != event.id,
    )
    return session.scalar(later.limit(1)) is not None


def _is_currency(value: str) -> bool:
    return len(value) == 3 and value.isascii() and value.isalpha() and value.isupper()


def _objects_of(session: Session, payment: Payment) -> list[str]:
    query = select(PaymentObject.object_id).where(PaymentObject.payment_id == payment.id)
    return sorted(session.scalars(query))


def _changes_of(session: Session, payment: Payment) -> list[dict[str, Any]]:
    query = (
        select(PaymentChange, Event)
        .outerjoin(Event, Event.id == PaymentChange.event_id)
        .where(PaymentChange.payment_id == payment.id)
    )
    found = [(change, event) for change, event in session.execute(query)]
    found.sort(key=lambda it: (_cause(*it).rank, it[0].kind, it[0].object_id, it[0].value))
    return [
        {
            **columns_of(change),
            "event": event and {name: getattr(event, name) for name in EVENT_OF_CHANGE},
        }
        for change, event in found
    ]


def _cause(change: PaymentChange, event: Event | None) -> Cause:
    event_id = event.event_id if event else ""
    return Cause(event=change.event_id, event_id=event_id, at=change.caused_at)


def _findings_of(
    session: Session, payment: Payment, objects: Collection[str]
) -> list[dict[str, Any]]:
    finding = ReconciliationFinding
    query = select(finding).where(
        finding.provider == payment.provider,
        finding.account == payment.account,
        finding.subject.in_(objects),
    )
    return [columns_of(row) for row in session.scalars(query.order_by(finding.id))]
