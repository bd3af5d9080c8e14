"""PayPal's list of transactions, as its reporting API pages it: behind a token, 31 days at most.

with PayPalWithTransactions() as paypal:
    paypal.sell("1AB23456CD789012E", at=four_hours_ago)
    paypal.most = 2                     # on a page
"""

from __future__ import annotations

import time
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from tests.standins.paypal import PayPalStandIn, Reply, Request, _json

TRANSACTIONS = "/v1/reporting/transactions"
LONGEST = timedelta(days=31)


class PayPalWithTransactions(PayPalStandIn):
    """Also lists payments received; what it is asked for is in `requests`."""

    def __init__(self) -> None:
        super().__init__()
        self.most = 500
        self._sold: list[tuple[datetime, str]] = []

    def sell(self, *ids: str, at: datetime) -> None:
        self._sold += [(at, id) for id in ids]

    def _reply(self, request: Request) -> Reply:
        url = urlsplit(request.path)
        if url.path != TRANSACTIONS or url.path in self._served:
            return super()._reply(request)
        token = request.headers.get("authorization", "").removeprefix("Bearer ")
        if time.monotonic() >= self._tokens.get(token, 0.0):
            return _json(401, {"error": "invalid_token"})
        return self._transactions(dict(parse_qsl(url.query)))

    def _transactions(self, query: dict[str, str]) -> Reply:
        since, until = (datetime.fromisoformat(query[f"{it}_date"]) for it in ("start", "end"))
        if until - since > LONGEST:
            return _json(400, {"name": "INVALID_REQUEST", "message": "Date range is too long"})
        found = [_shown(at, id) for at, id in self._sold if since <= at <= until]
        size, page = min(int(query["page_size"]), self.most), int(query["page"])
        body = {
            "transaction_details": found[(page - 1) * size : page * size],
            "page": page,
            "total_items": len(found),
            "total_pages": -(-len(found) // size),
        }
        return _json(200, body)


def _shown(at: datetime, id: str) -> dict[str, Any]:
    told = {
        "transaction_id": id,
        "transaction_event_code": "T0006",
        "transaction_initiation_date": at.strftime("%Y-%m-%dT%H:%M:%S+0000"),
    }
    return {"transaction_info": told}
