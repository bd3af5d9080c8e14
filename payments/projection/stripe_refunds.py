"""Refunds: one by one, by their own ids. A refund can still fail after it succeeded.

Source: docs.stripe.com/api/refunds/object.
"""

from __future__ import annotations

from collections import Counter
from typing import Any

from payments.projection.statements import Statements, identifier, objects
from payments.projection.stripe_snapshots import Snapshot
from payments.projection.vocabulary import (
    CHARGE_REFUND_LIST,
    REFUND_AMOUNT,
    REFUND_RANKS,
    REFUND_STATUS,
)

STATUSES = {status: status for status in REFUND_RANKS}


def read_refund(says: Statements, refund: Snapshot) -> None:
    re = identifier(refund.item)
    if re is None:
        return
    says.chain(re, identifier(refund.get("charge")), identifier(refund.get("payment_intent")))
    says.money(REFUND_AMOUNT, re, "amount", refund.money("amount"))
    # Versions before 2015 have no status: such a refund is done.
    value = refund.get("status")
    status = None
    if value is not None:
        status = says.choice(REFUND_STATUS, re, "status", value, STATUSES)
    if refund.event_type == "refund.failed" and status and status != "failed":
        says.odd("type_vs_object", re, refund.event_type, "failed", status)


def read_refund_list(says: Statements, listing: dict[str, Any], charge: str | None = None) -> None:
    """How many refunds of each charge a list shows, so that all of them are known.

    `charge` is the one whose list it is; without it, each refund names its own.
    """
    charges = [charge or identifier(refund.get("charge")) for refund in objects(listing)]
    more = " and more" if listing.get("has_more") is True else ""
    for ch, number in Counter(ch for ch in charges if ch).items():
        says.state(CHARGE_REFUND_LIST, ch, f"{number}{more}")
