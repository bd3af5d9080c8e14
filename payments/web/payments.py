"""The operator's view of payments."""

from __future__ import annotations

from flask import Blueprint, Response

from payments.database import snapshot
from payments.models import columns_of
from payments.payment_views import describe_payment, get_payment, list_payments
from payments.web.auth import require_admin
from payments.web.parameters import (
    PAYMENT_PARAMETERS,
    payment_key,
    read_payment_filter,
    read_place,
    read_query,
)
from payments.web.responses import json_response, page_response

blueprint = Blueprint("payments", __name__, url_prefix="/admin/payments")
blueprint.before_request(require_admin)


@blueprint.get("")
def payments() -> Response:
    query = read_query(PAYMENT_PARAMETERS)
    which = read_payment_filter(query)
    limit, before = read_place(query)
    with snapshot() as session:
        page = list_payments(session, which, limit=limit, before=before)
        return page_response(query, page, columns_of)


@blueprint.get("/<id>")
def payment(id: str) -> Response:
    with snapshot() as session:
        return json_response(describe_payment(session, get_payment(session, payment_key(id))))
