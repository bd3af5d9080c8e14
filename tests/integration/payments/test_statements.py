"""How many statements the payment costs an event: few, however much has happened to it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import event

from payments.attempts import Processor
from payments.extensions import db, settings
from payments.handlers import handles
from payments.processing import process
from tests.support.application import Application
from tests.support.deliveries import customer_event
from tests.support.intents import charge_event, intent_event, refund_event

# Beyond what an attempt needs whose only handler does nothing.
MOST = 6
# The first event of a payment makes its group besides.
MOST_OF_A_NEW_PAYMENT = 7


@contextmanager
def counted(statements: list[str]) -> Iterator[None]:
    def note(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        statements.append(statement)

    event.listen(db.engine, "before_cursor_execute", note)
    try:
        yield
    finally:
        event.remove(db.engine, "before_cursor_execute", note)


def cost_of(application: Application, sent: dict[str, Any]) -> int:
    application.deliver(sent)
    id = application.events(event_id=sent["id"])[0]["id"]
    statements: list[str] = []
    with application.app.app_context(), counted(statements):
        assert not process(id, Processor.of(settings(), "a worker")).failed
    return len(statements)


def test_the_cost_of_an_event_is_small_and_does_not_grow(application: Application) -> None:
    handles("stripe", "customer.*")(lambda *_: None)
    without = cost_of(application, customer_event())

    def beyond(sent: dict[str, Any]) -> int:
        return cost_of(application, sent) - without

    assert beyond(intent_event("payment_intent.created")) <= MOST_OF_A_NEW_PAYMENT
    assert beyond(charge_event("charge.succeeded", after=1)) <= MOST
    for number in range(20):
        refund = refund_event("refund.created", f"re_{number}", after=2 + number, amount=10)
        assert beyond(refund) <= MOST
    # What is known already: it is only read.
    assert beyond(charge_event("charge.updated", after=60)) <= 3
