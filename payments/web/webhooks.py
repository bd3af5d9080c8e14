"""The door that providers knock at: `POST /webhooks/<provider>[/<account>]`."""

from __future__ import annotations

from flask import Blueprint, Response, current_app, g, jsonify, request
from werkzeug.exceptions import ClientDisconnected, RequestEntityTooLarge

from payments.config import DEFAULT_ACCOUNT
from payments.errors import SignatureError, UnknownEndpoint
from payments.extensions import settings
from payments.intake import receive
from payments.models import utc_now
from payments.providers.base import Delivery, Provider
from payments.queueing import job_queue
from payments.reconciliation.deliveries import delivery_counter, write_counts_of
from payments.recording import Context, Receipt
from payments.web.requests import note

blueprint = Blueprint("webhooks", __name__, url_prefix="/webhooks")

# `flask simulate` says of itself that its events are not real; production does not listen.
SIMULATED = "simulated"
SOURCE_HEADER = "X-Payments-Source"


@blueprint.post("/<provider>")
@blueprint.post("/<provider>/<account>")
def deliver(provider: str, account: str = DEFAULT_ACCOUNT) -> Response:
    account = account.lower().replace("-", "_")
    receiver = _receiver(provider, account)
    note(provider=provider, account=account)
    delivery = Delivery(
        provider=provider,
        account=account,
        body=_body(),
        headers={name.lower(): value for name, value in request.headers},
        received_at=utc_now(),
    )
    try:
        receipt = receive(delivery, receiver, job_queue(), _context())
    except SignatureError:
        _count(delivery, proven_by=None)
        raise
    _count(delivery, proven_by=receipt.secret_label)
    note(
        id=receipt.id,
        event_id=receipt.event_id,
        event_type=receipt.event_type,
        outcome=receipt.kind,
    )
    return _answer(receipt)


@blueprint.after_request
def write_counts(response: Response) -> Response:
    """Once the answer is on its way: what is counted must not cost the sender time."""
    app = current_app._get_current_object()  # type: ignore[attr-defined]  # a proxy
    if delivery_counter().claim_write():
        response.call_on_close(lambda: write_counts_of(app))
    return response


def _count(delivery: Delivery, *, proven_by: str | None) -> None:
    delivery_counter().count(
        delivery.provider, delivery.account, delivery.received_at, proven_by=proven_by
    )


def _body() -> bytes:
    """The raw body, whole.

    Raises:
        RequestEntityTooLarge: it is larger than `MAX_REQUEST_SIZE`.
        ClientDisconnected: it ended before its announced length.
    """
    limit = settings().max_request_size
    # Under gunicorn werkzeug cuts a body off at its limit, or ends it early, without a word.
    request.max_content_length = limit + 1
    body = request.get_data(cache=False)
    if len(body) > limit:
        raise RequestEntityTooLarge
    if request.content_length not in (None, len(body)):
        raise ClientDisconnected
    return body


def _receiver(provider: str, account: str) -> Provider:
    receiver = settings().providers.get(provider, {}).get(account)
    if receiver is None:
        raise UnknownEndpoint
    assert isinstance(receiver, Provider)
    return receiver


def _context() -> Context:
    said = request.headers.get(SOURCE_HEADER)
    simulated = said == SIMULATED and not settings().is_production
    return Context(
        request_id=g.request_id,
        traceparent=g.trace.traceparent,
        source=SIMULATED if simulated else "webhook",
    )


def _answer(receipt: Receipt) -> Response:
    body: dict[str, object] = {
        "status": "ok",
        "message": receipt.message,
        "event_id": receipt.event_id,
    }
    if receipt.conflict:
        body["conflict"] = True
    return jsonify(body)
