"""An operator who looks at a running service, through its admin API."""

from __future__ import annotations

from typing import Any

import urllib3

from tests.support.deliveries import ADMIN_TOKEN
from tests.support.waiting import eventually

UNFINISHED = ("received", "processing", "retrying")


class Operator:
    """Asks the service at `url`."""

    def __init__(self, url: str, token: str = ADMIN_TOKEN) -> None:
        self.url = url
        self._token = token

    def get(self, path: str, **query: str | int) -> Any:
        answer = urllib3.request(
            "GET",
            f"{self.url}/admin{path}",
            fields={name: str(value) for name, value in query.items()},
            headers={"Authorization": f"Bearer {self._token}"},
            timeout=10,
            retries=False,
        )
        assert answer.status == 200, answer.data
        return answer.json()

    def events(self, **query: str | int) -> list[dict[str, Any]]:
        """At most 500, newest first."""
        listed: list[dict[str, Any]] = self.get("/events", limit=500, **query)
        return listed

    def event(self, event_id: str) -> dict[str, Any] | None:
        """The event with the provider's id `event_id`, with its history."""
        for event in self.events(event_id=event_id):
            shown: dict[str, Any] = self.get(f"/events/{event['id']}")
            return shown
        return None

    def finished(self, event_id: str, seconds: float = 30) -> dict[str, Any]:
        """The event `event_id`, once it has ended."""

        def look() -> dict[str, Any] | None:
            event = self.event(event_id)
            return event if event and event["status"] not in UNFINISHED else None

        return eventually(look, f"the end of {event_id}", seconds) or {}
