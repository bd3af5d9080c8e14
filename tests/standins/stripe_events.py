"""A stand-in for the part of Stripe's API that lists events.

    with StripeEvents() as stripe:
        stripe.put(event, account="acct_1")         # in a connected account
        stripe.url                                  # STRIPE_API_BASE
        stripe.endpoints = [["charge.*"]]           # what each endpoint has enabled
        stripe.misbehave("/v1/events", "429")       # until stripe.behave()

Lists are newest first, of at most 100, with `created[gte]`, `created[lt]`, `types[]` (20 at most),
`limit`, `starting_after` and `ending_before`; anything else is answered with 400.
"""

from __future__ import annotations

import re
import sys
import time
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from tests.standins.serving import Reply, Serving, error_reply, json_reply

KEY = "sk_test_4b1f7c2e9a"
RESTRICTED_KEY = "rk_test_0d83e5f1b7"
LIVE_KEY = "sk_live_7a90c2d4e6"
PAGING = {"limit", "starting_after", "ending_before", "created[gte]", "created[lt]"}
TYPES = re.compile(r"types\[\d*\]")
OWN = ""
Event = dict[str, Any]


class StripeEvents(Serving):
    """Serves on a free port, as a context manager.

    Attributes:
        asked: the path and the query of every request.
        endpoints: the `enabled_events` of each endpoint that is on.
        most: events on a page, at most.
        refuses: beginnings of parameters that it does not take.
        slow_seconds: before each answer.
    """

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[tuple[str, dict[str, str]]] = []
        self.endpoints: list[list[str]] = [["*"]]
        self.most = 100
        self.refuses: tuple[str, ...] = ()
        self.slow_seconds = 0.0
        self._events: dict[str, list[Event]] = {OWN: []}
        self._faults: list[tuple[str, str, range]] = []

    def put(self, *events: Event, account: str = OWN) -> None:
        self._events.setdefault(account, []).extend(events)

    def forget(self) -> None:
        """Be another account, in which nothing has happened."""
        self._events = {OWN: []}

    def misbehave(self, prefix: str, how: str, *, after: int = 0, times: int = sys.maxsize) -> None:
        """Answer so to the next `times` requests after the next `after` ones.

        By a status such as "429", by "html", "text", "empty", "circle", "hang" or "drop".
        """
        first = len(self.asked) + after
        self._faults.append((prefix, how, range(first, first + times)))

    def behave(self) -> None:
        self._faults.clear()

    def lists(self) -> list[dict[str, str]]:
        """The queries of the lists that were asked for."""
        return [query for path, query in self.asked if path == "/v1/events"]

    def answer(self, target: str, key: str, account: str) -> Reply | None:
        url = urlsplit(target)
        query = dict(parse_qsl(url.query))
        fault = self._fault(url.path)
        self.asked.append((url.path, query))
        time.sleep(self.slow_seconds)
        if fault == "hang":
            self._released.wait()
        if fault == "drop":
            return None
        if fault == "html":
            return 200, "text/html", b"<html>Maintenance of sk_test_something</html>"
        if fault == "text":
            return json_reply({"object": "list", "data": "none", "has_more": False})
        if fault == "empty":
            return json_reply({"object": "list", "data": [], "has_more": True})
        if fault.isdigit():
            return error_reply(int(fault), "as it was asked for")
        return self._as_it_is(url.path, query, key, account, circle=fault == "circle")

    def _as_it_is(
        self, path: str, query: Mapping[str, str], key: str, account: str, *, circle: bool
    ) -> Reply:
        if key not in (f"Bearer {it}" for it in (KEY, RESTRICTED_KEY, LIVE_KEY)):
            return error_reply(401, "Invalid API Key provided")
        if account not in self._events:
            return error_reply(403, f"The provided key does not have access to account {account}")
        if path == "/v1/webhook_endpoints":
            return self._show_endpoints(key)
        if path.startswith("/v1/events/"):
            id = path.removeprefix("/v1/events/")
            known = [it for it in self._visible(key, account) if it["id"] == id]
            return json_reply(known[0]) if known else error_reply(404, f"No such event: {id}")
        if path == "/v1/events":
            return self._list(query, self._visible(key, account), circle=circle)
        return error_reply(404, "Unrecognized request URL")

    def _visible(self, key: str, account: str) -> list[Event]:
        live = key == f"Bearer {LIVE_KEY}"
        return [event for event in self._events[account] if event["livemode"] == live]

    def _show_endpoints(self, key: str) -> Reply:
        if key == f"Bearer {RESTRICTED_KEY}":
            return error_reply(403, "This key may not read webhook endpoints")
        shown = [
            {"object": "webhook_endpoint", "status": "enabled", "enabled_events": types}
            for types in self.endpoints
        ]
        off = {"object": "webhook_endpoint", "status": "disabled", "enabled_events": ["*"]}
        return json_reply({"object": "list", "data": [*shown, off], "has_more": False})

    def _list(self, query: Mapping[str, str], events: list[Event], *, circle: bool) -> Reply:
        types = {value for name, value in query.items() if TYPES.fullmatch(name)}
        unknown = [it for it in query if it not in PAGING and not TYPES.fullmatch(it)]
        refused = [it for it in query if it.startswith(self.refuses)] if self.refuses else []
        if unknown or refused:
            return error_reply(400, f"Received unknown parameters: {', '.join(unknown + refused)}")
        if len(types) > 20 or any("*" in it for it in types):
            return error_reply(400, "types: at most 20 specific names")
        since, until = int(query.get("created[gte]", 0)), int(query.get("created[lt]", 2**40))
        found = [it for it in events if since <= it["created"] < until]
        found = [it for it in found if not types or it["type"] in types]
        found.sort(key=lambda it: (it["created"], it["id"]), reverse=True)
        ids = [it["id"] for it in found]
        after, before = query.get("starting_after"), query.get("ending_before")
        start = ids.index(after) + 1 if after in ids and not circle else 0
        end = ids.index(before) if before in ids else len(ids)
        page = found[start:end][: min(int(query.get("limit", 10)), self.most)]
        more = circle or start + len(page) < end
        return json_reply({"object": "list", "data": page, "has_more": more, "url": "/v1/events"})

    def _fault(self, path: str) -> str:
        number = len(self.asked)
        fits = (
            how
            for prefix, how, which in self._faults
            if path.startswith(prefix) and number in which
        )
        return next(fits, "")
