"""Payments: one row each, whoever the provider is, and one row per fact that an event stated.

The row of a payment can be made anew from its facts at any time. Amounts are whole minor units of
ISO 4217, never less than nothing.

Facts belong to a group of linked objects, and a payment has the number of its group. Most groups
are a payment. One that holds nothing but links, such as that of a checkout session to an intent
which no event has told of yet, is none: it has no row in `payments`.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    ForeignKey,
    Index,
    String,
    UniqueConstraint,
)
from sqlalchemy.orm import Mapped, mapped_column

from payments.extensions import Base
from payments.models.columns import BigId, UTCDateTime, one_of
from payments.projection.facts import STATUSES


class PaymentGroup(Base):
    """Objects of one account that are linked. Whoever changes what is known of them locks it."""

    __tablename__ = "payment_groups"

    id: Mapped[int] = mapped_column(BigId, primary_key=True)


class Payment(Base):
    """One payment: what its facts say of it now."""

    __tablename__ = "payments"
    __table_args__ = (
        UniqueConstraint("provider", "account", "payment_id"),
        CheckConstraint(one_of("status", STATUSES), name="status"),
        # Lists are newest first, filtered by one of these; id is the keyset.
        Index("ix_payments_provider_id", "provider", "id"),
        Index("ix_payments_status_id", "status", "id"),
        Index("ix_payments_last_event_at", "last_event_at"),
    )

    id: Mapped[int] = mapped_column(
        BigId,
        ForeignKey("payment_groups.id", ondelete="CASCADE"),
        primary_key=True,
        autoincrement=False,
    )
    provider: Mapped[str] = mapped_column(String(32))
    account: Mapped[str] = mapped_column(String(255))
    # The provider's id of the root object: an intent, a charge, an order, …
    payment_id: Mapped[str] = mapped_column(String(255))
    status: Mapped[str] = mapped_column(String(32))
    currency: Mapped[str | None] = mapped_column(String(3))
    amount_authorized: Mapped[int] = mapped_column(BigInteger, default=0)
    amount_captured: Mapped[int] = mapped_column(BigInteger, default=0)
    amount_refunded: Mapped[int] = mapped_column(BigInteger, default=0)
    amount_disputed: Mapped[int] = mapped_column(BigInteger, default=0)
    # NULL where no event stated one. Its currency may be that of the settlement.
    amount_fee: Mapped[int | None] = mapped_column(BigInteger)
    fee_currency: Mapped[str | None] = mapped_column(String(3))
    livemode: Mapped[bool | None]
    # When the provider made the first and the latest event that stated something new; whatever the
    # order of arrival. NULL where no event has a time.
    first_event_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    last_event_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    # When the row was written: the one column that depends on the order of arrival.
    updated_at: Mapped[datetime] = mapped_column(UTCDateTime)


class PaymentChange(Base):
    """One fact about one object of a payment, and the event that stated it first.

    First by the provider's clock: the smallest (created, event id), so that the order of arrival
    does not matter. `payment_id` names the group, which has the payment's number.
    """

    __tablename__ = "payment_changes"
    __table_args__ = (
        UniqueConstraint("payment_id", "kind", "object_id", "value"),
        Index("ix_payment_changes_event_id", "event_id"),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    payment_id: Mapped[int] = mapped_column(
        BigId, ForeignKey("payment_groups.id", ondelete="CASCADE")
    )
    kind: Mapped[str] = mapped_column(String(64))
    object_id: Mapped[str] = mapped_column(String(255))
    value: Mapped[str] = mapped_column(String(255))
    # The event that caused it. No event where the fact was fetched from the provider.
    event_id: Mapped[int | None] = mapped_column(BigId, ForeignKey("events.id", ondelete="CASCADE"))
    # When the provider made that event; NULL where it does not say.
    caused_at: Mapped[datetime | None] = mapped_column(UTCDateTime)


class PaymentObject(Base):
    """Which payment an object of the provider belongs to: a charge, a refund, a dispute, …"""

    __tablename__ = "payment_objects"
    __table_args__ = (
        # The object first: it is what people look for, whatever the account.
        UniqueConstraint("object_id", "provider", "account"),
        Index("ix_payment_objects_payment_id", "payment_id"),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    provider: Mapped[str] = mapped_column(String(32))
    account: Mapped[str] = mapped_column(String(255))
    object_id: Mapped[str] = mapped_column(String(255))
    payment_id: Mapped[int] = mapped_column(
        BigId, ForeignKey("payment_groups.id", ondelete="CASCADE")
    )
