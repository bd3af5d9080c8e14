"""A client of the admin API, with nothing but Python's standard library: copy it, and go on.

    python examples/client.py list
    python examples/client.py show 17
    python examples/client.py dry-run 17
    python examples/client.py replay 17 --reason 'the warehouse is back'

`PAYMENTS_URL` and `ADMIN_TOKEN` in the environment say where the service is and who asks.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import sys
from collections.abc import Iterator
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.parse import urlencode
from urllib.request import Request, urlopen

NEXT = re.compile(r'<([^>]+)>; rel="next"')


class Refused(Exception):
    """The service refused; `request_id` finds the request in its log."""

    def __init__(self, problem: dict[str, Any]) -> None:
        super().__init__(f"{problem['status']} {problem['title']}: {problem['detail']}")
        self.problem = problem
        self.request_id = problem["request_id"]


class Client:
    """One service, and one token for it."""

    def __init__(self, url: str, token: str, seconds: float = 30) -> None:
        """`seconds` is how long to wait for an answer."""
        self._url = url.rstrip("/")
        self._headers = {"Authorization": f"Bearer {token}", "Accept": "application/json"}
        self._seconds = seconds

    def dead_letters(self, **filters: str) -> Iterator[dict[str, Any]]:
        """All of them, the newest first, a page at a time; `filters` as in `type="charge.*"`."""
        url = f"{self._url}/admin/dlq?{urlencode({'limit': 100, **filters})}"
        while url:
            page, headers = self._ask(url)
            yield from page
            following = NEXT.search(headers.get("Link", ""))
            url = following[1] if following else ""

    def event(self, id: int) -> dict[str, Any]:
        """One event with its attempts, effects and payment."""
        return self._get(f"/admin/events/{id}")

    def dry_run(self, id: int) -> dict[str, Any]:
        """What processing the event again would change. Nothing is changed."""
        return self._post(f"/admin/events/{id}/replay", {"dry_run": True})

    def replay(self, id: int, reason: str) -> dict[str, Any]:
        """Process the event again; the reason stands in the audit log."""
        return self._post(f"/admin/events/{id}/replay", {"reason": reason})

    def _get(self, path: str) -> Any:
        return self._ask(self._url + path)[0]

    def _post(self, path: str, body: dict[str, Any]) -> Any:
        return self._ask(self._url + path, json.dumps(body).encode())[0]

    def _ask(self, url: str, body: bytes | None = None) -> tuple[Any, Any]:
        """The answer's JSON and headers; raises Refused for any other status than 2xx."""
        headers = self._headers | ({"Content-Type": "application/json"} if body else {})
        request = Request(url, body, headers)  # noqa: S310  # an address that the user has given
        try:
            with urlopen(request, timeout=self._seconds) as answer:  # noqa: S310
                return json.load(answer), answer.headers
        except HTTPError as error:
            with error:
                raise Refused(json.load(error)) from None


def main() -> int:
    parser = argparse.ArgumentParser(description="Look at dead letters, and replay them.")
    commands = parser.add_subparsers(dest="command", required=True)
    listing = commands.add_parser("list", help="list dead letters")
    listing.add_argument("--type", help="the event's type; * stands for any characters")
    for name, what in {
        "show": "show an event",
        "dry-run": "what a replay would change",
        "replay": "process an event again",
    }.items():
        commands.add_parser(name, help=what).add_argument("id", type=int)
    commands.choices["replay"].add_argument("--reason", required=True, help="kept in the audit log")
    asked = parser.parse_args()
    try:
        client = Client(os.environ["PAYMENTS_URL"], os.environ["ADMIN_TOKEN"])
        _run(client, asked)
    except KeyError as missing:
        print(f"Set {missing.args[0]} in the environment.", file=sys.stderr)
        return 2
    except Refused as refused:
        print(f"{refused} (request {refused.request_id})", file=sys.stderr)
        return 1
    except URLError as error:
        print(f"The service does not answer: {error.reason}", file=sys.stderr)
        return 1
    return 0


def _run(client: Client, asked: argparse.Namespace) -> None:
    if asked.command == "list":
        filters = {"type": asked.type} if asked.type else {}
        for event in client.dead_letters(**filters):
            print(event["id"], event["event_type"], event["event_id"], event["last_error"])
        return
    answers = {
        "show": lambda: client.event(asked.id),
        "dry-run": lambda: client.dry_run(asked.id),
        "replay": lambda: client.replay(asked.id, asked.reason),
    }
    print(json.dumps(answers[asked.command](), indent=2))


if __name__ == "__main__":
    sys.exit(main())
