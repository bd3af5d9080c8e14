"""Payments by Stripe's own objects: intents with their charges, refunds and disputes.

Sources: docs.stripe.com/api/payment_intents, /charges, /refunds and /disputes.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, ClassVar
from urllib.parse import quote

from payments.errors import CannotAsk, MayNotAsk
from payments.models import utc_now
from payments.projection.facts import Fact
from payments.projection.project import project
from payments.projection.reading import read_object
from payments.projection.statements import identifier, objects
from payments.providers.asking import Api
from payments.reconciliation.comparing import OF_DISPUTES, Theirs, theirs_of

PAGE = 100
# Stripe renders what has just happened at once; an event takes its time.
LAG = timedelta(minutes=10)
Objects = Mapping[str, frozenset[str]]


@dataclass
class StripePayments:
    """What one account's Stripe says. `notes` tells what it did not let us see."""

    api: Api
    lag: ClassVar[timedelta] = LAG
    notes: set[str] = field(default_factory=set)

    def made_between(self, start: datetime, end: datetime) -> Iterator[Theirs]:
        """Every payment that was created in that time: intents, and charges without one."""
        created = {"created[gte]": int(start.timestamp()), "created[lt]": int(end.timestamp())}
        expand = {"expand[0]": "data.latest_charge"}
        for intent in self._list("/v1/payment_intents", {**created, **expand}):
            yield from self._of_intent(intent)
        for charge in self._list("/v1/charges", created):
            if identifier(charge.get("payment_intent")) is None:
                yield from self._of([charge], [charge])

    def one(self, payment_id: str, _objects: Objects) -> Theirs | None:
        """The payment as it is now; None where Stripe does not know it."""
        if payment_id.startswith("pi_"):
            path = f"/v1/payment_intents/{quote(payment_id, safe='')}"
            intent = self.api.get(path, {"expand[0]": "latest_charge"})
            found = self._of_intent(intent) if intent else iter(())
        else:
            charge = self.api.get(f"/v1/charges/{quote(payment_id, safe='')}")
            found = self._of([charge], [charge]) if charge else iter(())
        return next(found, None)

    def _of_intent(self, intent: dict[str, Any]) -> Iterator[Theirs]:
        charges = []
        if latest := identifier(intent.get("latest_charge")):
            latest_charge = intent["latest_charge"]
            if not isinstance(latest_charge, dict):
                latest_charge = self.api.get(f"/v1/charges/{latest}")
            charges = [latest_charge] if latest_charge else []
        yield from self._of([intent, *charges], charges)

    def _of(
        self, snapshots: list[dict[str, Any]], charges: list[dict[str, Any]]
    ) -> Iterator[Theirs]:
        """The payment that these objects, the refunds and the disputes of its charges make."""
        facts: set[Fact] = set()
        unseen: frozenset[str] = frozenset()
        for charge in charges:
            for more, missed in (self._refunds(charge), self._disputes(charge)):
                snapshots, unseen = [*snapshots, *more], unseen | missed
        for snapshot in snapshots:
            facts |= read_object("stripe", snapshot, fetched_at=utc_now()).facts
        projection = project("stripe", facts)
        if projection is not None:
            yield theirs_of(projection, unseen)

    def _refunds(self, charge: dict[str, Any]) -> tuple[list[dict[str, Any]], frozenset[str]]:
        """Also where nothing is refunded now: a refund that failed takes its amount back."""
        if not charge.get("amount_refunded") and not charge.get("refunds"):
            return [], frozenset()
        refunds = self._list("/v1/refunds", {"charge": str(charge.get("id"))})
        return [{"object": "list", "data": list(refunds), "has_more": False}], frozenset()

    def _disputes(self, charge: dict[str, Any]) -> tuple[list[dict[str, Any]], frozenset[str]]:
        if not charge.get("disputed"):
            return [], frozenset()
        try:
            query = {"charge": str(charge.get("id"))}
            return list(self._list("/v1/disputes", query)), frozenset()
        except MayNotAsk:
            self.notes.add("STRIPE_API_KEY may not see disputes, so they were not compared.")
            return [], OF_DISPUTES

    def _list(self, path: str, query: Mapping[str, str | int]) -> Iterator[dict[str, Any]]:
        """All objects, newest first.

        Raises:
            CannotAsk: the list is cut off, or leads in a circle.
        """
        after: dict[str, str | int] = {}
        while True:
            page = self.api.get(path, {**query, "limit": PAGE, **after})
            if page is None:
                raise CannotAsk(f"Stripe does not know {path} (status 404).")
            if not isinstance(page.get("data"), list):
                raise CannotAsk(f"Stripe's answer to {path} is not a list.")
            found = objects(page)
            yield from found
            if page.get("has_more") is not True:
                return
            cursor = identifier(found[-1]) if found else None
            if cursor is None or after == {"starting_after": cursor}:
                raise CannotAsk(f"Stripe's pages of {path} do not come to an end.")
            after = {"starting_after": cursor}
