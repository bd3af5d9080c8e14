"""`/console/payments`: what became of each payment, and what it lacks."""

from __future__ import annotations

import re

from flask import render_template

from payments.database import snapshot
from payments.payment_problems import problems_of
from payments.payment_views import PaymentFilter, describe_payment, get_payment, list_payments
from payments.projection.currencies import display
from payments.projection.facts import STATUSES
from payments.web.console.address import cursor, filter_values, here, read_address
from payments.web.console.blueprint import blueprint
from payments.web.keys import key_of

FILTERS = (
    "provider", "status", "payment_id", "object_id", "currency", "account", "since", "until"
)  # fmt: skip
MONEY = re.compile(r"(-?[0-9]{1,18}) ([A-Z]{3})")


@blueprint.get("/payments")
def payments() -> str:
    given = read_address(FILTERS)
    which = PaymentFilter(**filter_values(given))
    with snapshot() as session:
        page = list_payments(session, which, before=cursor())
        problems = problems_of(session, page.rows)
    return render_template(
        "console/payments.html",
        page=page,
        problems=problems,
        given=given,
        statuses=STATUSES,
        newest=here() if cursor() else None,
    )


@blueprint.get("/payments/<id>")
def payment(id: str) -> str:
    read_address(())
    with snapshot() as session:
        found = describe_payment(session, get_payment(session, key_of(id, "payment")))
    return render_template(
        "console/payment.html",
        payment=found,
        blocked=[event for event in found["timeline"] if event["blocked"]],
    )


def fact(value: str) -> str:
    """The value of a fact for people: money as money, all else as it was kept."""
    money = MONEY.fullmatch(value)
    return display(int(money[1]), money[2]) if money else value


blueprint.add_app_template_filter(fact)
