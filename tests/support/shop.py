"""A shop whose handlers can be broken and mended, and the events that wait for it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from payments.handlers import handles
from payments.models import utc_now
from tests.support.application import Application
from tests.support.deliveries import encode, stripe_event, stripe_headers
from tests.support.jobs import make_due
from tests.support.waiting import eventually

# Between two slices of an operation that moves. A slice's lease is much longer.
LONGEST_PAUSE = timedelta(seconds=3)


class Shop:
    """Its handler does `behave(event)` for every event of Stripe; at first nothing."""

    def __init__(self) -> None:
        self.behave: Callable[[Any], None] = lambda event: None
        self.calls: list[str] = []

        @handles("stripe", "*")
        def fulfil_order(event: Any, session: Any, effects: Any) -> None:
            self.calls.append(event.event_id)
            self.behave(event)

    def refuse(self) -> None:
        """The warehouse is away."""

        def refused(event: Any) -> None:
            raise ConnectionRefusedError(111, "Connection refused")

        self.behave = refused

    def mend(self) -> None:
        self.behave = lambda event: None


def let_die(application: Application, count: int = 1, event_type: str = "charge.refunded") -> None:
    """Deliver `count` events and let them die: the application's attempts are to be few."""
    for _ in range(count):
        body = encode(stripe_event(event_type))
        assert application.deliver(body, headers=stripe_headers(body)).status_code == 200
    application.work()


def let_many_die(application: Application, count: int) -> list[int]:
    """The same, without the way through HTTP; returns the primary keys."""
    let_die(application)
    [first] = application.sql("SELECT max(id) FROM events")
    application.sql(
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < :more)"
        " INSERT INTO events (provider, account, event_id, event_type, received_at, source,"
        " status, attempts, last_error, conflicts, failure_group_id)"
        " SELECT provider, account, event_id || '-' || n.i, event_type, received_at, source,"
        " status, attempts, last_error, conflicts, failure_group_id"
        " FROM events, n WHERE id = :first",
        more=count - 1,
        first=first[0],
    )
    application.sql(
        "INSERT INTO event_payloads (event_id, body, sha256)"
        " SELECT events.id, body, sha256 FROM events, event_payloads"
        " WHERE event_payloads.event_id = :first AND events.id > :first",
        first=first[0],
    )
    rows = application.sql("SELECT id FROM events WHERE status = 'dead' ORDER BY id")
    return [row[0] for row in rows]


def work_until(application: Application, condition: Callable[[], Any], what: str) -> None:
    """Let a worker work, again and again, until it is so; the pauses between slices are skipped."""

    def worked() -> Any:
        application.work()
        if result := condition():
            return result
        as_if_the_pause_were_over(application)
        return None

    eventually(worked, what, 60)


def as_if_the_pause_were_over(application: Application) -> None:
    """The next slice, which waits for a whole second, is due; not what a lease protects."""
    application.sql(
        "UPDATE bulk_operations SET next_look_at = '2020-01-01 00:00:00.000000'"
        " WHERE next_look_at < :soon",
        soon=f"{utc_now() + LONGEST_PAUSE:%Y-%m-%d %H:%M:%S.%f}+00:00",
    )
    make_due(application.queue.queue, "bulk-")


def as_if_minutes_had_passed(application: Application) -> None:
    """What has waited until now for a dead worker's lease to end may be taken up."""
    application.sql(
        "UPDATE bulk_operations SET next_look_at = '2020-01-01 00:00:00.000000'"
        " WHERE next_look_at IS NOT NULL"
    )
