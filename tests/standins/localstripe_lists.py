"""What localstripe's lists lack, in front of it: `created`, newest first, and every object.

    with Lists(localstripe.url) as lists:
        lists.url                           # STRIPE_API_BASE

Only GET; nothing is changed but which objects a list shows, and their order.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import urllib3

from tests.standins.serving import Reply, Serving, json_reply

OURS = ("created[gte]", "created[lt]", "expand[0]", "limit", "starting_after")
PAGE = 100


class Lists(Serving):
    """Serves on a free port, as a context manager."""

    def __init__(self, behind: str) -> None:
        super().__init__()
        self._behind = behind

    def answer(self, target: str, key: str, account: str) -> Reply:
        url = urlsplit(target)
        query = dict(parse_qsl(url.query))
        theirs = {name: value for name, value in query.items() if name not in OURS}
        status, body = self._ask(url.path, theirs, key)
        if status != 200 or body.get("object") != "list":
            return json_reply(body, status)
        found = body["data"]
        while body["has_more"]:
            after = {"starting_after": found[-1]["id"], "limit": str(PAGE)}
            _, body = self._ask(url.path, {**theirs, **after}, key)
            found += body["data"]
        since, until = int(query.get("created[gte]", 0)), int(query.get("created[lt]", 2**40))
        shown = [it for it in found if since <= it["created"] < until]
        shown.sort(key=lambda it: it["created"], reverse=True)
        return json_reply({"object": "list", "data": shown, "has_more": False})

    def _ask(self, path: str, query: dict[str, str], key: str) -> tuple[int, Any]:
        answer = urllib3.request(
            "GET",
            f"{self._behind}{path}?{urlencode(query)}",
            headers={"Authorization": key},
            timeout=10,
            retries=False,
        )
        return answer.status, answer.json()
