"""The door that providers knock at: `POST /webhooks/<provider>[/<account>]`."""

from __future__ import annotations

from flask import Response, current_app, g, jsonify, request
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
from payments.web.api.blueprint import ApiBlueprint
from payments.web.api.schemas.service import Received
from payments.web.requests import note

blueprint = ApiBlueprint(
    "webhooks", url_prefix="/webhooks", guarded=False, description="Where providers deliver"
)

# `flask simulate` says of itself that its events are not real; production does not listen.
SIMULATED = "simulated"
SOURCE_HEADER = "X-Payments-Source"

DELIVERY = [
    {
        "name": "provider",
        "in": "path",
        "required": True,
        "schema": {"type": "string"},
        "description": "stripe or paypal",
        "example": "stripe",
    },
    *(
        {"name": name, "in": "header", "schema": {"type": "string"}, "description": description}
        for name, description in {
            "Stripe-Signature": "Stripe's: t=…,v1=…",
            "Paypal-Transmission-Id": "PayPal's",
            "Paypal-Transmission-Time": "PayPal's",
            "Paypal-Transmission-Sig": "PayPal's",
            "Paypal-Cert-Url": "PayPal's",
            "X-Demo-Signature": "with PAYPAL_MODE=demo_hmac: the hex HMAC-SHA256 of the body",
        }.items()
    ),
]
ACCOUNT = {
    "name": "account",
    "in": "path",
    "required": True,
    "schema": {"type": "string"},
    "description": "as in STRIPE_SIGNING_SECRET__ACME",
    "example": "acme",
}

AN_EVENT = {
    "required": True,
    "description": "The event as its provider sends it.",
    "content": {
        "application/json": {
            "schema": {"type": "object"},
            "examples": {
                "stripe": {
                    "value": {
                        "id": "evt_1NG8Du2eZvKYlo2CUI79vXWy",
                        "object": "event",
                        "type": "payment_intent.succeeded",
                        "created": 1767225600,
                        "livemode": False,
                        "data": {"object": {"id": "pi_1", "object": "payment_intent"}},
                    }
                },
                "paypal": {
                    "value": {
                        "id": "WH-2WR32451HC0233532-67976317FL4543714",
                        "event_type": "PAYMENT.CAPTURE.COMPLETED",
                        "create_time": "2026-01-01T00:00:00Z",
                        "resource": {"id": "42311647XV020574X"},
                    }
                },
            },
        }
    },
}


@blueprint.post("/<provider>", parameters=DELIVERY)
@blueprint.post("/<provider>/<account>", parameters=[*DELIVERY, ACCOUNT])
@blueprint.answers(Received, refuses=[404], description="The event is kept.", body=AN_EVENT)
def deliver(provider: str, account: str = DEFAULT_ACCOUNT) -> Response:
    """Deliver an event, signed by its provider

    The body is read as raw bytes: the signature is over them. An event that is known already is
    answered in the same way; a 2xx means that it is kept.
    """
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


@blueprint.after_request  # type: ignore[untyped-decorator]  # flask-smorest has no types
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
