"""Made-up Stripe snapshot events. Amounts are in cents; all is test mode.

The wording follows docs.stripe.com/api; the values are ours.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

from payments.providers.samples.ids import token

API_VERSION = "2025-09-30.clover"
AMOUNT = 4200
CURRENCY = "eur"
EMAIL = "pat@example.com"
Object = dict[str, Any]


def stripe_sample(event_type: str, event_id: str, now: datetime) -> dict[str, Any]:
    """An event of `event_type`; one of an unknown type is about a bare object of that kind."""
    maker = MAKERS.get(event_type, _generic)
    return {
        "id": event_id,
        "object": "event",
        "api_version": API_VERSION,
        "created": int(now.timestamp()),
        "data": {"object": maker(event_type, event_id, int(now.timestamp()))},
        "livemode": False,
        "pending_webhooks": 1,
        "request": {"id": _id("req", event_id, 14), "idempotency_key": None},
        "type": event_type,
    }


def _id(prefix: str, event_id: str, length: int = 24) -> str:
    return f"{prefix}_{token(event_id, prefix, length)}"


def _object(prefix: str, kind: str, event_id: str, created: int) -> Object:
    return {
        "id": _id(prefix, event_id),
        "object": kind,
        "created": created,
        "livemode": False,
        "metadata": {"order_id": token(event_id, "order", 8)},
    }


def _payment_intent(event_type: str, event_id: str, created: int) -> Object:
    status = {"succeeded": "succeeded", "canceled": "canceled"}.get(
        event_type.rpartition(".")[2], "requires_payment_method"
    )
    paid = status == "succeeded"
    failed = event_type.endswith("payment_failed")
    return {
        **_object("pi", "payment_intent", event_id, created),
        "amount": AMOUNT,
        "amount_capturable": 0,
        "amount_received": AMOUNT if paid else 0,
        "canceled_at": created if status == "canceled" else None,
        "cancellation_reason": "requested_by_customer" if status == "canceled" else None,
        "capture_method": "automatic",
        "currency": CURRENCY,
        "customer": _id("cus", event_id, 14),
        "last_payment_error": _decline() if failed else None,
        "latest_charge": _id("ch", event_id) if paid or failed else None,
        "payment_method_types": ["card"],
        "receipt_email": EMAIL,
        "status": status,
    }


def _decline() -> Object:
    return {"type": "card_error", "code": "card_declined", "decline_code": "insufficient_funds"}


def _charge(event_type: str, event_id: str, created: int) -> Object:
    refunded = event_type == "charge.refunded"
    failed = event_type == "charge.failed"
    return {
        **_object("ch", "charge", event_id, created),
        "amount": AMOUNT,
        "amount_captured": 0 if failed else AMOUNT,
        "amount_refunded": AMOUNT if refunded else 0,
        "balance_transaction": None if failed else _id("txn", event_id),
        "billing_details": {"email": EMAIL, "name": "Pat Sample"},
        "captured": not failed,
        "currency": CURRENCY,
        "customer": _id("cus", event_id, 14),
        "disputed": False,
        "failure_code": "card_declined" if failed else None,
        "paid": not failed,
        "payment_intent": _id("pi", event_id),
        "refunded": refunded,
        "status": "failed" if failed else "succeeded",
    }


def _dispute(event_type: str, event_id: str, created: int) -> Object:
    return {
        **_object("du", "dispute", event_id, created),
        "amount": AMOUNT,
        "charge": _id("ch", event_id),
        "currency": CURRENCY,
        "evidence_details": {"due_by": created + 7 * 86400, "submission_count": 0},
        "is_charge_refundable": False,
        "payment_intent": _id("pi", event_id),
        "reason": "fraudulent",
        "status": "needs_response",
    }


def _refund(event_type: str, event_id: str, created: int) -> Object:
    return {
        **_object("re", "refund", event_id, created),
        "amount": AMOUNT,
        "balance_transaction": _id("txn", event_id),
        "charge": _id("ch", event_id),
        "currency": CURRENCY,
        "payment_intent": _id("pi", event_id),
        "reason": "requested_by_customer",
        "status": "succeeded",
    }


def _checkout_session(event_type: str, event_id: str, created: int) -> Object:
    return {
        **_object("cs_test", "checkout.session", event_id, created),
        "amount_subtotal": AMOUNT,
        "amount_total": AMOUNT,
        "client_reference_id": token(event_id, "order", 8),
        "currency": CURRENCY,
        "customer": _id("cus", event_id, 14),
        "customer_details": {"email": EMAIL, "name": "Pat Sample"},
        "mode": "payment",
        "payment_intent": _id("pi", event_id),
        "payment_status": "paid",
        "status": "complete",
    }


def _customer(event_type: str, event_id: str, created: int) -> Object:
    return {
        **_object("cus", "customer", event_id, created),
        "id": _id("cus", event_id, 14),
        "email": EMAIL,
        "name": "Pat Sample",
        "delinquent": False,
    }


def _invoice(event_type: str, event_id: str, created: int) -> Object:
    return {
        **_object("in", "invoice", event_id, created),
        "amount_due": AMOUNT,
        "amount_paid": AMOUNT,
        "amount_remaining": 0,
        "billing_reason": "subscription_cycle",
        "currency": CURRENCY,
        "customer": _id("cus", event_id, 14),
        "customer_email": EMAIL,
        "number": f"{token(event_id, 'number', 8).upper()}-0001",
        "status": "paid",
        "total": AMOUNT,
    }


def _generic(event_type: str, event_id: str, created: int) -> Object:
    kind = event_type.rpartition(".")[0] or event_type
    prefix = kind.rpartition(".")[2][:4] or "obj"
    return _object(prefix, kind, event_id, created)


MAKERS: dict[str, Callable[[str, str, int], Object]] = {
    "payment_intent.created": _payment_intent,
    "payment_intent.succeeded": _payment_intent,
    "payment_intent.payment_failed": _payment_intent,
    "payment_intent.canceled": _payment_intent,
    "charge.succeeded": _charge,
    "charge.refunded": _charge,
    "charge.failed": _charge,
    "charge.dispute.created": _dispute,
    "refund.created": _refund,
    "checkout.session.completed": _checkout_session,
    "customer.created": _customer,
    "invoice.paid": _invoice,
}
