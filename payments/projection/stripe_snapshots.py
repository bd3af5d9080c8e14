"""One of Stripe's objects at one moment, and what is known of the moment."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from payments.projection.currencies import stripe_money
from payments.projection.money import Money, Unreadable


@dataclass(frozen=True)
class Snapshot:
    """An object as it was rendered once.

    Attributes:
        item: the object.
        event_type: of the event whose object it is; "" where it was fetched, or is a nested one.
        created: the event's time, or that of fetching; seconds since 1970, 0 where unknown.
        before_basil: rendered for an API version in which releases were refunds.
    """

    item: dict[str, Any]
    event_type: str = ""
    created: int = 0
    before_basil: bool = False

    def of(self, nested: dict[str, Any]) -> Snapshot:
        """An object within this one: of the same moment; the event's type does not speak of it."""
        return replace(self, item=nested, event_type="")

    def get(self, field: str) -> Any:
        return self.item.get(field)

    def money(self, field: str) -> Money | Unreadable:
        """The amount in `field`, in the object's own currency."""
        return stripe_money(self.item.get(field), self.item.get("currency"))
