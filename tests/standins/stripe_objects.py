"""A stand-in for the part of Stripe's API that lists and shows what money has done.

    with StripeObjects() as stripe:
        stripe.put(intent, charge, refund)          # objects as the API would show them
        stripe.account = "acct_1"                   # whose they are; "" is the key's own
        stripe.url                                  # STRIPE_API_BASE
        stripe.misbehave("/v1/refunds", "429")      # until stripe.behave()

Lists are newest first, of at most 100, with `created[gte]`, `created[lt]`, `charge`, `limit`,
`starting_after` and `expand`; what the real one would not take is answered with 400.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from tests.standins.serving import Reply, Serving, error_reply, json_reply

KEY = "sk_test_4b1f7c2e9a"
LISTS = {
    "payment_intents": "payment_intent",
    "charges": "charge",
    "refunds": "refund",
    "disputes": "dispute",
}
FILTERS = {
    "payment_intents": {"created[gte]", "created[lt]"},
    "charges": {"created[gte]", "created[lt]", "payment_intent"},
    "refunds": {"charge", "payment_intent"},
    "disputes": {"charge", "payment_intent"},
}
PAGING = {"limit", "starting_after", "expand[0]"}
PATH = re.compile(r"/v1/(payment_intents|charges|refunds|disputes)(?:/([^/]+))?")
EMPTY = {"object": "list", "data": [], "has_more": False}
Object = dict[str, Any]


class StripeObjects(Serving):
    """Serves on a free port, as a context manager. `asked` has the path of every request."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[str] = []
        self.account = ""
        self._objects: dict[str, Object] = {}
        self._faults: dict[str, str] = {}
        self._listed: dict[str, Object] = {}

    def put(self, *objects: Object) -> None:
        """Keep these; what they have expanded is kept as an object of its own."""
        for found in objects:
            if found["object"] == "list":
                self.put(*found["data"])
                continue
            kept = dict(found)
            if isinstance(latest := kept.get("latest_charge"), dict):
                self.put(latest)
                kept["latest_charge"] = latest["id"]
            if kept["object"] == "dispute" and kept.get("charge") in self._objects:
                self._objects[kept["charge"]]["disputed"] = True
            self._objects[kept["id"]] = kept

    def change(self, id: str, **fields: Any) -> None:
        self._objects[id].update(fields)

    def list_stale(self, id: str, **fields: Any) -> None:
        """Lists show the object with these fields, as it was a moment ago."""
        self._listed[id] = fields

    def forget(self, id: str) -> None:
        del self._objects[id]

    def misbehave(self, prefix: str, how: str) -> None:
        """Answer paths that begin so by a status such as "429", by "html", "circle" or "hang"."""
        self._faults[prefix] = how

    def behave(self) -> None:
        self._faults.clear()

    def answer(self, target: str, key: str, account: str) -> Reply:
        url = urlsplit(target)
        self.asked.append(url.path)
        fault = next((how for it, how in self._faults.items() if url.path.startswith(it)), "")
        if fault == "hang":
            self._released.wait()
        if fault == "html":
            return 200, "text/html", b"<html>Maintenance of sk_test_something</html>"
        if fault.isdigit():
            return error_reply(int(fault), "as it was asked for")
        if key != f"Bearer {KEY}":
            return error_reply(401, "Invalid API Key provided")
        if account not in ("", self.account):
            return error_reply(403, f"The provided key does not have access to account {account}")
        path = PATH.fullmatch(url.path)
        if path is None:
            return error_reply(404, "Unrecognized request URL")
        query = dict(parse_qsl(url.query))
        if account != self.account:
            return json_reply(EMPTY) if not path[2] else error_reply(404, "No such object")
        if path[2]:
            return self._show(path[2], query)
        return self._list(path[1], query, circle=fault == "circle")

    def _show(self, id: str, query: Mapping[str, str]) -> Reply:
        if id not in self._objects:
            return error_reply(404, f"No such object: {id}")
        return json_reply(
            self._expanded(self._objects[id], query.get("expand[0]") == "latest_charge")
        )

    def _list(self, name: str, query: Mapping[str, str], *, circle: bool) -> Reply:
        if unknown := query.keys() - FILTERS[name] - PAGING:
            return error_reply(400, f"Received unknown parameters: {', '.join(sorted(unknown))}")
        found = [it for it in self._objects.values() if it["object"] == LISTS[name]]
        found = [it for it in found if _fits(it, query)]
        found.sort(key=lambda it: (it["created"], it["id"]), reverse=True)
        after = query.get("starting_after")
        ids = [it["id"] for it in found]
        start = ids.index(after) + 1 if after in ids and not circle else 0
        limit = min(int(query.get("limit", 10)), 100)
        expand = query.get("expand[0]") == "data.latest_charge"
        shown = [{**it, **self._listed.get(it["id"], {})} for it in found[start : start + limit]]
        page = [self._expanded(it, expand) for it in shown]
        more = circle or len(found) > start + limit
        return json_reply({"object": "list", "data": page, "has_more": more, "url": f"/v1/{name}"})

    def _expanded(self, found: Object, expand: bool) -> Object:
        latest = found.get("latest_charge")
        return {**found, "latest_charge": self._objects[latest]} if expand and latest else found


def _fits(found: Object, query: Mapping[str, str]) -> bool:
    since, until = query.get("created[gte]"), query.get("created[lt]")
    if since and found["created"] < int(since):
        return False
    if until and found["created"] >= int(until):
        return False
    return all(found.get(it) == query[it] for it in ("charge", "payment_intent") if it in query)
