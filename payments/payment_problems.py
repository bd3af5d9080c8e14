"""What is wrong with payments, in numbers: a few queries for a whole page of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import and_, func, select
from sqlalchemy.orm import Session

from payments.models import DEAD, RETRYING, Event, Payment, PaymentObject, ReconciliationFinding
from payments.models.reconciliation import OPEN


@dataclass(frozen=True, kw_only=True)
class Problems:
    """How many events about a payment's objects have failed, and how many findings are open."""

    blocked: int
    findings: int


def problems_of(session: Session, payments: Sequence[Payment]) -> dict[int, Problems]:
    """By the payments' ids, what is wrong with those that something is wrong with."""
    ids = [payment.id for payment in payments]
    held = _counted_by_payment(
        session, ids, Event, Event.object_id, Event.status.in_((DEAD, RETRYING))
    )
    finding = ReconciliationFinding
    open_findings = _counted_by_payment(
        session, ids, finding, finding.subject, finding.status == OPEN
    )
    return {
        id: Problems(blocked=held.get(id, 0), findings=open_findings.get(id, 0))
        for id in held.keys() | open_findings.keys()
    }


def _counted_by_payment(
    session: Session,
    ids: Sequence[int],
    what: type[Event] | type[ReconciliationFinding],
    object_id: Any,
    condition: Any,
) -> dict[int, int]:
    """How many rows of `what` are about an object of each payment."""
    about = and_(
        object_id == PaymentObject.object_id,
        what.provider == PaymentObject.provider,
        what.account == PaymentObject.account,
    )
    query = (
        select(PaymentObject.payment_id, func.count())
        .join(what, about)
        .where(PaymentObject.payment_id.in_(ids), condition)
        .group_by(PaymentObject.payment_id)
    )
    return dict(session.execute(query).all())
