"""One of PayPal's resources at one moment: what it is, and what it is a part of.

A resource's `resource_type` misleads (it says capture for a refund of one); its link to itself does
not. The ids look alike, so that it matters by which name one is called.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from payments.projection.statements import Statements, identifier, objects
from payments.projection.vocabulary import ORDER_NAMED

PATH = re.compile(r"/(order|authorization|capture|sale|refund|payment)s?/([\w-]{1,200})$", re.ASCII)
KINDS = {"sale": "capture"}


@dataclass(frozen=True)
class Resource:
    """A resource as it was rendered once.

    Attributes:
        event_type: of the event whose resource it is; "" where it was fetched, or is a nested one.
        order: the order that it is nested in.
        moment: the event's time, or that of fetching; milliseconds since 1970, 0 where unknown.
    """

    item: dict[str, Any]
    event_type: str = ""
    order: str | None = None
    moment: int = 0

    def of(self, nested: dict[str, Any], order: str) -> Resource:
        return replace(self, item=nested, event_type="", order=order)

    def get(self, field: str) -> Any:
        return self.item.get(field)

    def within(self, *fields: str) -> Any:
        """The value at the end of a path of objects; None where the path ends early."""
        value: Any = self.item
        for field in fields:
            value = value.get(field) if isinstance(value, dict) else None
        return value

    @property
    def status(self) -> str | None:
        """`status` (v2) or `state` (v1) in lower case."""
        value = self.get("status") if self.get("status") is not None else self.get("state")
        return value.lower() if isinstance(value, str) else None

    @property
    def kind(self) -> str | None:
        """What its link to itself says that it is: order, authorization, capture, refund."""
        kinds = [kind for rel, kind, _ in self._links() if rel == "self"]
        return kinds[0] if kinds else None

    def parent(self, kind: str, *fields: str) -> str | None:
        """The parent of this kind: by the first of its own `fields`, else by a link."""
        for field in fields:
            if found := identifier(self.get(field)):
                return found
        if found := identifier(self.within("supplementary_data", "related_ids", f"{kind}_id")):
            return found
        linked = [one for rel, what, one in self._links() if what == kind and rel != "self"]
        return linked[0] if linked else None

    def link(self, says: Statements, one: str, *, capture: str | None = None) -> None:
        """State what `one` is a part of: the capture, the authorization, the order, the payment."""
        order = self.order or self.parent("order")
        payment = self.parent("payment", "parent_payment")
        says.chain(one, capture, self.parent("authorization"), order, payment)
        if order and order != one:
            says.state(ORDER_NAMED, order, "named")

    def _links(self) -> list[tuple[str, str, str]]:
        """Relation, kind and id of each link that is to an object of a payment."""
        found = []
        for link in objects(self.get("links")):
            rel, href = link.get("rel"), link.get("href")
            if isinstance(rel, str) and isinstance(href, str):
                path = PATH.search(href)
                if path:
                    found.append((rel, KINDS.get(path[1], path[1]), path[2]))
        return found


def milliseconds(value: Any) -> int:
    """PayPal's time (ISO 8601, with an offset, a Z or neither) since 1970; 0 where it is none."""
    if not isinstance(value, str) or not value.isascii() or len(value) > 64:
        return 0
    try:
        moment = datetime.fromisoformat(value)
    except ValueError:  # the simulator once sent a month 19
        return 0
    aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return max(0, int((aware - datetime(1970, 1, 1, tzinfo=UTC)).total_seconds() * 1000))
