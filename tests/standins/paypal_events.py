"""PayPal's list of webhook events, as its API pages it: behind a token, newest first.

Neither bound of a period is included.

with PayPalWithEvents() as paypal:
    paypal.put(event)
    paypal.event_types = ["PAYMENT.CAPTURE.COMPLETED"]      # what the webhook is told of
    paypal.most = 2                                         # on a page
    paypal.next_host = "https://…"                          # where its links to next pages lead
    paypal.deliver = lambda body, headers: …                # where it sends what is to be resent
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from datetime import datetime
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

from tests.standins.paypal import PayPalStandIn, Reply, Request, _json

EVENTS = "/v1/notifications/webhooks-events"
WEBHOOKS = "/v1/notifications/webhooks/"
RESEND = "/resend"
UNKNOWN = {"name": "INVALID_RESOURCE_ID"}
Event = dict[str, Any]


class PayPalWithEvents(PayPalStandIn):
    """Also lists events; what it is asked for is in `requests`."""

    def __init__(self) -> None:
        super().__init__()
        self.event_types = ["*"]
        self.most = 100
        self.next_host = ""
        self.goes_round = False
        self.deliver: Callable[[bytes, dict[str, str]], object] = lambda _body, _headers: None
        self._events: list[Event] = []

    def put(self, *events: Event) -> None:
        self._events += events

    def _reply(self, request: Request) -> Reply:
        url = urlsplit(request.path)
        if not url.path.startswith((EVENTS, WEBHOOKS)):
            return super()._reply(request)
        token = request.headers.get("authorization", "").removeprefix("Bearer ")
        if time.monotonic() >= self._tokens.get(token, 0.0):
            return _json(401, {"error": "invalid_token"})
        if url.path.startswith(WEBHOOKS):
            return self._show_webhook(url.path.removeprefix(WEBHOOKS))
        if url.path == EVENTS:
            return self._list(dict(parse_qsl(url.query)))
        id = url.path.removeprefix(f"{EVENTS}/").removesuffix(RESEND)
        known = next((event for event in self._events if event["id"] == id), None)
        if known is None:
            return _json(404, UNKNOWN)
        return self._resend(known) if request.method == "POST" else _json(200, known)

    def _show_webhook(self, id: str) -> Reply:
        if id not in self.webhook_ids:
            return _json(404, UNKNOWN)
        types = [{"name": name, "status": "ENABLED"} for name in self.event_types]
        return _json(200, {"id": id, "url": "https://shop.example", "event_types": types})

    def _resend(self, event: Event) -> Reply:
        """A transmission of its own: with an id, a time and a signature that are new."""
        body = json.dumps(event).encode()
        self.deliver(body, self.deliver_headers(body))
        return _json(202, event)

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
