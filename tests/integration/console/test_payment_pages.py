"""Payments on pages: the list with its filters, and one payment with all that is known of it."""

from __future__ import annotations

from typing import Any

import pytest

from payments.handlers import PermanentFailure, handles
from tests.integration.console.test_dead_letters import words_of
from tests.support.application import Application
from tests.support.console import Person
from tests.support.intents import charge_event, intent_event, refund_event
from tests.support.ledgers import deliver_all


@pytest.fixture
def paid(application: Application) -> None:
    """A payment of 20.00 EUR whose charge arrived late, and whose dispute is blocked."""

    @handles("stripe", "refund.updated")
    def refuse(*_: Any) -> None:
        raise PermanentFailure("not today")

    events = [
        intent_event("payment_intent.created"),
        refund_event("refund.created", after=20),
        charge_event("charge.succeeded", after=10),
        refund_event("refund.updated", after=30),
    ]
    deliver_all(application, "stripe", events, "default")
    yen = intent_event("payment_intent.created", "pi_yen", after=900, currency="jpy")
    deliver_all(application, "stripe", [yen], "default")
    application.work()
    application.sql(
        "INSERT INTO reconciliation_findings (provider, account, source, kind, subject, detail,"
        " expected, found, status, first_seen_at, last_seen_at) SELECT provider, account, 'money',"
        " 'amount_captured', object_id, '', '2000', '1900', 'open', received_at, received_at"
        " FROM events WHERE object_id = 'ch_1'"
    )


@pytest.mark.usefixtures("paid")
def test_the_list_says_what_each_payment_is_and_lacks(viewer: Person) -> None:
    page = viewer.get("/console/payments")
    assert page.text.count("data-row") == 2
    words = words_of(page.text)
    assert "20.00 EUR" in words
    assert "5.00 EUR" in words
    assert "1 blocked 1 finding" in words
    assert words.count("none") == 1
    for query, rows in (
        ("status=created", 1),
        ("object_id=re_1&provider=stripe", 1),
        ("currency=JPY", 1),
        ("until=2025-10-09T08:56:40Z", 1),
        ("payment_id=&status=&since=", 2),
    ):
        assert viewer.get(f"/console/payments?{query}").text.count("data-row") == rows, query
    nothing = viewer.get("/console/payments?currency=USD")
    assert "No payments match." in words_of(nothing.text)


@pytest.mark.usefixtures("paid")
@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_payment_leads_to_the_replay_of_what_it_lacks(
    application: Application, operator: Person, viewer: Person
) -> None:
    [id] = application.sql("SELECT id FROM payments WHERE payment_id = 'pi_1'")
    [blocked] = application.sql("SELECT id FROM events WHERE status = 'dead'")
    address = f"/console/payments/{id[0]}"
    page = operator.get(address)
    words = words_of(page.text)
    for expected in (
        "Captured 20.00 EUR",
        "Refunded 5.00 EUR",
        "1 event about it was not processed",
        "not today",
        "charge.amount 20.00 EUR ch_1",
        "amount captured open ch_1 2000 1900",
    ):
        assert expected in words
    assert words.count("late: arrived") == 1
    assert words.index("charge.succeeded") < words.index("refund.created")
    made = operator.press(address, "/console/bulk", action="replay", id=str(blocked[0]))
    preview = words_of(operator.get(made.location).text)
    assert "Replay of 1 event: preview" in preview
    assert "Preview" not in viewer.get(address).text


def test_where_there_is_none_the_list_says_so(viewer: Person) -> None:
    assert "No payments yet." in words_of(viewer.get("/console/payments").text)
