"""What localstripe's lists lack, in front of it: `created`, newest first, and every object.

    with Lists(localstripe.url) as lists:
        lists.url                           # STRIPE_API_BASE

Only GET; nothing is changed but which objects a list shows, and their order.
"""

from __future__ import annotations

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import urllib3

OURS = ("created[gte]", "created[lt]", "expand[0]", "limit", "starting_after")
PAGE = 100


class Lists:
    """Serves on a free port, as a context manager."""

    def __init__(self, behind: str) -> None:
        self._behind = behind
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> Lists:
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()
        return self

    def __exit__(self, *_error: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def answer(self, target: str, key: str) -> tuple[int, bytes]:
        url = urlsplit(target)
        query = dict(parse_qsl(url.query))
        theirs = {name: value for name, value in query.items() if name not in OURS}
        status, body = self._ask(url.path, theirs, key)
        if status != 200 or body.get("object") != "list":
            return status, json.dumps(body).encode()
        found = body["data"]
        while body["has_more"]:
            after = {"starting_after": found[-1]["id"], "limit": str(PAGE)}
            _, body = self._ask(url.path, {**theirs, **after}, key)
            found += body["data"]
        since, until = int(query.get("created[gte]", 0)), int(query.get("created[lt]", 2**40))
        shown = [it for it in found if since <= it["created"] < until]
        shown.sort(key=lambda it: it["created"], reverse=True)
        return 200, json.dumps({"object": "list", "data": shown, "has_more": False}).encode()

    def _ask(self, path: str, query: dict[str, str], key: str) -> tuple[int, Any]:
        answer = urllib3.request(
            "GET",
            f"{self._behind}{path}?{urlencode(query)}",
            headers={"Authorization": key},
            timeout=10,
            retries=False,
        )
        return answer.status, answer.json()


def _handler(lists: Lists) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            status, body = lists.answer(self.path, self.headers.get("Authorization", ""))
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_arguments: Any) -> None:
            pass

    return Handler
