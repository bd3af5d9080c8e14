"""The pages that the head of each page leads to, in the order of an incident."""

from __future__ import annotations

from dataclasses import dataclass

from flask import g, request, url_for


@dataclass(frozen=True)
class Place:
    """A page to go to; `key` is the letter after `g` that goes there."""

    name: str
    endpoint: str
    key: str
    operator_only: bool = False

    @property
    def address(self) -> str:
        return url_for(self.endpoint)

    @property
    def is_current(self) -> bool:
        """Whether it, or a page below it, is shown now."""
        if self.endpoint == "console.overview":
            return request.endpoint == self.endpoint
        return request.path == self.address or request.path.startswith(f"{self.address}/")


PLACES = (
    Place("Overview", "console.overview", "o"),
    Place("Events", "console.events", "e"),
    Place("Dead letters", "console.dead_letters", "d"),
    Place("Payments", "console.payments", "p"),
    Place("Reconciliation", "console.reconciliation", "c"),
    Place("Audit", "console.audit", "a"),
    Place("Configuration", "console.configuration", "s"),
    Place("Jobs in Redis", "rq.page", "q", operator_only=True),
)


def places() -> list[Place]:
    """Those that this person may see."""
    operator = g.admin.role == "operator"
    return [place for place in PLACES if operator or not place.operator_only]
