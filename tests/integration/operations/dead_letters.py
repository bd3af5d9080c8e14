"""How events die in these tests, and how the API is asked to do something about it."""

from __future__ import annotations

from typing import Any

from payments.handlers import handles
from tests.support.application import Application
from tests.support.deliveries import ADMIN_TOKEN, stripe_event


class Warehouse:
    """A handler whose dependency can be broken and mended."""

    def __init__(self) -> None:
        self.broken = True
        self.calls = 0

        @handles("stripe", "*")
        def fulfil(*_: Any) -> None:
            self.calls += 1
            if self.broken:
                raise ConnectionError("the warehouse does not answer")


def kill(
    application: Application, count: int = 1, event_type: str = "charge.refunded"
) -> list[int]:
    """Deliver `count` events and let them die; returns their primary keys, oldest first."""
    before = {event["id"] for event in application.events(limit=500)}
    for _ in range(count):
        application.deliver(stripe_event(event_type))
    application.work()
    listed = application.events(limit=500, status="dead")
    return sorted(event["id"] for event in listed if event["id"] not in before)


def post(application: Application, path: str, body: Any = None, token: str = ADMIN_TOKEN) -> Any:
    headers = {"Authorization": f"Bearer {token}"}
    return application.client.post(f"/admin{path}", json=body, headers=headers)


def status_of(application: Application, id: int) -> str:
    return str(application.event(id)["status"])
