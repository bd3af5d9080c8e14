"""`/admin/payments`: what the events come to."""

from __future__ import annotations

from typing import Any

from flask import Response

from payments.database import snapshot
from payments.models import columns_of
from payments.payment_views import PaymentFilter, describe_payment, get_payment, list_payments
from payments.web.api.blueprint import ApiBlueprint, key_in_path
from payments.web.api.paging import given, page_response, place_of
from payments.web.api.schemas.payments import FILTERS, Payment, PaymentsQuery, WholePayment
from payments.web.auth import require_admin
from payments.web.keys import key_of
from payments.web.responses import json_response

blueprint = ApiBlueprint(
    "payments", url_prefix="/admin/payments", description="What the events come to"
)
blueprint.before_request(require_admin)


@blueprint.get("")
@blueprint.asks(PaymentsQuery)
@blueprint.answers(Payment, many=True, paged=True, description="Payments, the newest first.")
def list_all_payments(asked: dict[str, Any]) -> Response:
    """List payments, the newest first"""
    which = PaymentFilter(**given(asked, FILTERS))
    before = place_of(asked)
    with snapshot() as session:
        page = list_payments(session, which, limit=asked["limit"], before=before)
        return page_response(page, columns_of)


@blueprint.get("/<id>", parameters=key_in_path("the payment"))
@blueprint.answers(WholePayment, refuses=[404], description="The payment.")
def show_payment(id: str) -> Response:
    """Show a payment with its facts, events and findings"""
    with snapshot() as session:
        payment = get_payment(session, key_of(id, "payment"))
        return json_response(describe_payment(session, payment))
