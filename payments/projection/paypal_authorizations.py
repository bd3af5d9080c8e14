"""Authorizations: money that is held. `PAYMENT.AUTHORIZATION.VOIDED` is sent for expiry too.

Source: developer.paypal.com/docs/api/payments/v2, and event names.
"""

from __future__ import annotations

from payments.projection.currencies import paypal_money
from payments.projection.paypal_resources import Resource
from payments.projection.statements import Statements, identifier
from payments.projection.vocabulary import (
    AUTHORIZATION_AMOUNT,
    AUTHORIZATION_RANKS,
    AUTHORIZATION_STATUS,
)

STATUSES = {**{status: status for status in AUTHORIZATION_RANKS}, "authorized": "created"}
TYPES_AHEAD = {
    "PAYMENT.AUTHORIZATION.CREATED": "created",
    "PAYMENT.AUTHORIZATION.VOIDED": "voided",
}


def read_authorization(says: Statements, authorization: Resource) -> None:
    one = identifier(authorization.item)
    if one is None:
        return
    authorization.link(says, one)
    status = says.choice(AUTHORIZATION_STATUS, one, "status", authorization.status, STATUSES)
    says.money(AUTHORIZATION_AMOUNT, one, "amount", paypal_money(authorization.get("amount")))
    said = TYPES_AHEAD.get(authorization.event_type)
    # A review can hold an authorization that is created: pending is not behind any type.
    if said and status and AUTHORIZATION_RANKS[said] > AUTHORIZATION_RANKS[status] > 0:
        says.odd("type_vs_object", one, authorization.event_type, said, status)
