"""Two events that ask for the same effect, while attempts at both of them fail."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

from sqlalchemy.orm import Session

from payments.attempts import Processor
from payments.extensions import settings
from payments.handlers import Effects, HandledEvent, handles
from payments.processing import process
from tests.support.application import Application
from tests.support.deliveries import stripe_event

PAYMENTS = 20


def test_an_effect_of_two_events_is_done_once_although_both_fail_after_it(
    application: Application,
) -> None:
    done: list[str] = []
    tried: set[int] = set()

    @handles("stripe", "*")
    def send_then_fail_once(event: HandledEvent, session: Session, effects: Effects) -> None:
        effects.once(f"receipt:{event.object_id}", done.append)
        if event.id not in tried:
            tried.add(event.id)
            raise ConnectionError

    for number in range(PAYMENTS):
        for _ in range(2):
            event = stripe_event(data={"object": {"id": f"pi_{number}"}})
            assert application.deliver(event).status_code == 200
    ids = [event["id"] for event in reversed(application.events(limit=500))]

    def attempt(id: int) -> None:
        with application.app.app_context():
            process(id, Processor.of(settings(), "a worker"))

    for _ in range(2):
        with ThreadPoolExecutor(4) as pool:
            list(pool.map(attempt, ids))
    assert {event["status"] for event in application.events(limit=500)} == {"processed"}
    assert sorted(done) == sorted(f"receipt:pi_{number}" for number in range(PAYMENTS))
