"""Payments by PayPal's own objects: orders with what they nest, or their parts one by one.

PayPal lists no payments. The reporting API lists transactions, where the app has that right; they
lag by up to three hours. Sources: developer.paypal.com/docs/api/orders/v2, /payments/v2,
/customer-disputes/v1 and /transaction-search/v1.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, ClassVar
from urllib.parse import quote

from payments.errors import CannotAsk, MayNotAsk
from payments.models import utc_now
from payments.projection.facts import PARENT, Fact
from payments.projection.project import project
from payments.projection.reading import read_object
from payments.projection.statements import identifier, objects
from payments.providers.asking import Api
from payments.reconciliation.comparing import OF_DISPUTES, Theirs, theirs_of

LAG = timedelta(hours=3)
PAGE = 500
# T00xx: payments received (Transaction event codes).
PAYMENT_CODE = "T00"
PATHS = {
    "order": ("/v2/checkout/orders/{}",),
    "authorization": ("/v2/payments/authorizations/{}", "/v1/payments/authorization/{}"),
    "capture": (
        "/v2/payments/captures/{}",
        "/v1/payments/capture/{}",
        "/v1/payments/sale/{}",
    ),
    "refund": ("/v2/payments/refunds/{}", "/v1/payments/refund/{}"),
    "dispute": ("/v1/customer/disputes/{}",),
}
PARTS = ("authorization", "capture", "refund")
TRANSACTIONS = "/v1/reporting/transactions"
Objects = Mapping[str, frozenset[str]]


@dataclass
class PayPalPayments:
    """What one account's PayPal says. `notes` tells what it did not let us see.

    `is_known` says whether an object belongs to a payment that is kept here.
    """

    api: Api
    is_known: Callable[[str], bool]
    lag: ClassVar[timedelta] = LAG
    notes: set[str] = field(default_factory=set)

    def made_between(self, start: datetime, end: datetime) -> Iterator[Theirs]:
        """The payments behind transactions of that time that are not known here."""
        try:
            transactions = list(self._transactions(start, end))
        except MayNotAsk:
            self.notes.add(
                "The app of PAYPAL_CLIENT_ID may not list transactions, so that payments which "
                "are missing here could not be seen."
            )
            return
        for transaction in transactions:
            if not self.is_known(transaction):
                yield from self._behind(transaction)

    def one(self, payment_id: str, objects: Objects) -> Theirs | None:
        """The payment as it is now; None where PayPal does not know any part of it.

        `objects` are the payment's own ids by what they are (the first word of a fact's kind).
        """
        known = objects or dict.fromkeys(("order", *PARTS), frozenset({payment_id}))
        order = self._get("order", payment_id) if payment_id in known.get("order", ()) else None
        facts = self._facts(order) if order else set()
        for kind in PARTS:
            for one in sorted(known.get(kind, ())):
                if not _tells_of(facts, kind, one) and (found := self._get(kind, one)):
                    facts |= self._facts(found)
        if not facts:
            return None
        unseen = self._add_disputes(facts, objects.get("dispute", frozenset()))
        return _theirs(facts, unseen)

    def _add_disputes(self, facts: set[Fact], ids: frozenset[str]) -> frozenset[str]:
        try:
            for one in sorted(ids):
                if dispute := self._get("dispute", one):
                    facts |= self._facts(dispute)
        except MayNotAsk:
            self.notes.add(
                "The app of PAYPAL_CLIENT_ID may not see disputes, so they were not compared."
            )
            return OF_DISPUTES
        return frozenset()

    def _behind(self, transaction: str) -> Iterator[Theirs]:
        """The payment that a transaction is a part of; nothing where no API made it."""
        capture = self._get("capture", transaction)
        if capture is None:
            return
        facts = self._facts(capture)
        parents = {fact.value for fact in facts if fact.kind == PARENT}
        for parent in sorted(parents):
            if order := self._get("order", parent):
                facts |= self._facts(order)
        yield from filter(None, [_theirs(facts, frozenset())])

    def _transactions(self, start: datetime, end: datetime) -> Iterator[str]:
        page = pages = 1
        while page <= pages:
            answer = self.api.get(
                TRANSACTIONS,
                {
                    "start_date": _time(start),
                    "end_date": _time(end),
                    "fields": "transaction_info",
                    "page_size": PAGE,
                    "page": page,
                },
            )
            details = (answer or {}).get("transaction_details")
            pages = (answer or {}).get("total_pages", 1)
            if not isinstance(details, list) or not isinstance(pages, int):
                raise CannotAsk("PayPal's list of transactions is not a list.")
            for detail in objects(details):
                info = detail.get("transaction_info")
                info = info if isinstance(info, dict) else {}
                code, id = info.get("transaction_event_code"), info.get("transaction_id")
                if isinstance(code, str) and code.startswith(PAYMENT_CODE) and identifier(id):
                    yield str(id)
            page += 1

    def _get(self, kind: str, id: str) -> dict[str, Any] | None:
        """The object by the first of its paths that knows it: of version 2, else of 1."""
        return next(
            filter(None, (self.api.get(path.format(quote(id, safe=""))) for path in PATHS[kind])),
            None,
        )

    def _facts(self, found: dict[str, Any]) -> set[Fact]:
        return set(read_object("paypal", found, fetched_at=utc_now()).facts)


def _theirs(facts: set[Fact], unseen: frozenset[str]) -> Theirs | None:
    projection = project("paypal", facts)
    return None if projection is None else theirs_of(projection, unseen)


def _tells_of(facts: set[Fact], kind: str, one: str) -> bool:
    return any(fact.object_id == one and fact.kind.startswith(f"{kind}.") for fact in facts)


def _time(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")
