"""PayPal's list of webhook events, as its API pages it: behind a token, newest first.

Neither bound of a period is included.

with PayPalWithEvents() as paypal:
    paypal.put(event)
    paypal.most = 2                     # on a page
    paypal.next_host = "https://…"      # where its links to next pages lead
"""

from __future__ import annotations

import time
from datetime import datetime
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

from tests.standins.paypal import PayPalStandIn, Reply, Request, _json

EVENTS = "/v1/notifications/webhooks-events"
Event = dict[str, Any]


class PayPalWithEvents(PayPalStandIn):
    """Also lists events; what it is asked for is in `requests`."""

    def __init__(self) -> None:
        super().__init__()
        self.most = 100
        self.next_host = ""
        self.goes_round = False
        self._events: list[Event] = []

    def put(self, *events: Event) -> None:
        self._events += events

    def _reply(self, request: Request) -> Reply:
        url = urlsplit(request.path)
        if request.method != "GET" or not url.path.startswith(EVENTS):
            return super()._reply(request)
        token = request.headers.get("authorization", "").removeprefix("Bearer ")
        if time.monotonic() >= self._tokens.get(token, 0.0):
            return _json(401, {"error": "invalid_token"})
        if url.path != EVENTS:
            id = url.path.removeprefix(f"{EVENTS}/")
            known = [event for event in self._events if event["id"] == id]
            return _json(200, known[0]) if known else _json(404, {"name": "INVALID_RESOURCE_ID"})
        return self._list(dict(parse_qsl(url.query)))

    def _list(self, query: dict[str, str]) -> Reply:
        if missing := {"start_time", "end_time", "page_size"} - query.keys():
            return _json(400, {"name": "VALIDATION_ERROR", "details": sorted(missing)})
        start = int(query.get("from", "0"))
        since, until = (datetime.fromisoformat(query[f"{it}_time"]) for it in ("start", "end"))
        found = [
            event
            for event in self._events
            if since < datetime.fromisoformat(event["create_time"]) < until
        ]
        found.sort(key=lambda it: it["create_time"], reverse=True)
        end = start + min(int(query["page_size"]), self.most)
        links = [{"rel": "self", "href": f"{self.base_url}{EVENTS}?{urlencode(query)}"}]
        if end < len(found) or self.goes_round:
            after = {**query, "from": str(start if self.goes_round else end)}
            host = self.next_host or self.base_url
            links.append({"rel": "next", "href": f"{host}{EVENTS}?{urlencode(after)}"})
        return _json(200, {"events": found[start:end], "count": len(found), "links": links})
