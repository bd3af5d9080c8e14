"""Sessions and invoices: they name payments, and state nothing else of them.

A session has one intent, and is a part of it. An invoice can be paid by several intents and name
each of them; were it a part of them, they would be one payment. So it is a note on each.

Source: docs.stripe.com/api/checkout/sessions, invoices, and invoice-payment (since basil, where an
invoice itself names no payment any more).
"""

from __future__ import annotations

from typing import Any

from payments.projection.statements import Statements, identifier, objects
from payments.projection.stripe_snapshots import Snapshot
from payments.projection.vocabulary import INVOICE


def read_session(says: Statements, session: Snapshot) -> None:
    says.link(identifier(session.item), identifier(session.get("payment_intent")))


def read_invoice(says: Statements, invoice: Snapshot) -> None:
    one = identifier(invoice.item)
    _note(says, one, invoice.item)
    for payment in objects(invoice.get("payments")):
        _note(says, one, payment.get("payment"))


def read_invoice_payment(says: Statements, payment: Snapshot) -> None:
    _note(says, identifier(payment.get("invoice")), payment.get("payment"))


def _note(says: Statements, invoice: str | None, names: Any) -> None:
    if isinstance(names, dict):
        pi, ch = identifier(names.get("payment_intent")), identifier(names.get("charge"))
        says.link(ch, pi)
        if invoice and (paid_by := pi or ch):
            says.state(INVOICE, paid_by, invoice)
