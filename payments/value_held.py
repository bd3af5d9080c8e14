"""What events that wait hold up: the payments that they are about, and the value of those."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Select, and_, case, func, select
from sqlalchemy.orm import Session

from payments.models import Payment, PaymentObject


@dataclass(frozen=True)
class Value:
    """How many payments, and their value by currency in minor units.

    A payment's value is what was captured, or authorized where that is more. Currencies are never
    added up. A payment whose currency nobody stated counts, and has no value.
    """

    payments: int = 0
    amounts: Mapping[str, int] = field(default_factory=dict)

    def describe(self) -> dict[str, Any]:
        return {"payments": self.payments, "value": dict(self.amounts)}


NOTHING = Value()
Selectable = Select[*tuple[Any, ...]]


def value_held(session: Session, events: Selectable) -> dict[Any, Value]:
    """The value by `key`; `events` selects `key`, `provider`, `account` and `object_id`.

    Each payment counts once for a key, however many of the events are about it. Events about
    objects that no payment is known of hold nothing that could be counted.
    """
    source = events.subquery()
    amount = case(
        (Payment.amount_captured > Payment.amount_authorized, Payment.amount_captured),
        else_=Payment.amount_authorized,
    )
    each = (
        select(source.c.key, Payment.id, Payment.currency, amount.label("amount"))
        .join(
            PaymentObject,
            and_(
                PaymentObject.object_id == source.c.object_id,
                PaymentObject.provider == source.c.provider,
                PaymentObject.account == source.c.account,
            ),
        )
        .join(Payment, Payment.id == PaymentObject.payment_id)
        .distinct()
        .subquery()
    )
    rows = session.execute(
        select(each.c.key, each.c.currency, func.count(), func.sum(each.c.amount))
        .group_by(each.c.key, each.c.currency)
        .order_by(each.c.currency)
    )
    found: dict[Any, Value] = {}
    for key, currency, count, total in rows:
        before = found.get(key, NOTHING)
        amounts = {**before.amounts, currency: int(total)} if currency else before.amounts
        found[key] = Value(before.payments + count, amounts)
    return found
