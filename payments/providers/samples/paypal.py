"""Made-up PayPal events, of the sandbox. v2 resources, but for the v1 sale of a subscription.

The wording follows developer.paypal.com/docs/api; the values are ours.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

from payments.providers.samples.ids import UPPER, token, zulu

API = "https://api-m.sandbox.paypal.com"
VALUE, FEE, NET = "42.00", "1.58", "40.42"
CURRENCY = "EUR"
Resource = dict[str, Any]


def paypal_sample(event_type: str, event_id: str, now: datetime) -> dict[str, Any]:
    """An event of `event_type`; one of an unknown type has a resource with an id and a status."""
    moment = zulu(now)
    kind, version, maker = MAKERS.get(event_type, (_kind(event_type), "2.0", _generic))
    link = f"{API}/v1/notifications/webhooks-events/{event_id}"
    versions = {"resource_version": version} if version else {}
    return {
        "id": event_id,
        "event_version": "1.0",
        "create_time": moment,
        "resource_type": kind,
        **versions,
        "event_type": event_type,
        "summary": f"A made-up {event_type} event",
        "resource": maker(event_type, event_id, moment),
        "links": [
            {"href": link, "rel": "self", "method": "GET"},
            {"href": f"{link}/resend", "rel": "resend", "method": "POST"},
        ],
    }


def _id(what: str, event_id: str) -> str:
    return token(event_id, what, 17, UPPER)


def _money(value: str = VALUE) -> dict[str, str]:
    return {"currency_code": CURRENCY, "value": value}


def _up(path: str, rel: str = "up") -> dict[str, str]:
    return {"href": f"{API}{path}", "rel": rel, "method": "GET"}


def _payment(what: str, status: str, event_id: str, moment: str) -> Resource:
    """What captures and authorizations have in common."""
    order = _id("order", event_id)
    return {
        "id": _id(what, event_id),
        "status": status,
        "amount": _money(),
        "invoice_id": f"INVOICE-{token(event_id, 'invoice', 8, UPPER)}",
        "supplementary_data": {"related_ids": {"order_id": order}},
        "create_time": moment,
        "update_time": moment,
        "links": [
            _up(f"/v2/payments/{what}s/{_id(what, event_id)}", "self"),
            _up(f"/v2/checkout/orders/{order}"),
        ],
    }


def _capture(event_type: str, event_id: str, moment: str) -> Resource:
    status = {"PENDING": "PENDING", "DENIED": "DECLINED"}.get(
        event_type.rpartition(".")[2], "COMPLETED"
    )
    capture = _payment("capture", status, event_id, moment) | {"final_capture": True}
    if status == "PENDING":
        capture["status_details"] = {"reason": "PENDING_REVIEW"}
    if status == "COMPLETED":
        capture["seller_receivable_breakdown"] = {
            "gross_amount": _money(),
            "paypal_fee": _money(FEE),
            "net_amount": _money(NET),
        }
    return capture


def _refund(event_type: str, event_id: str, moment: str) -> Resource:
    """PAYMENT.CAPTURE.REFUNDED carries the refund; the capture is in the link `up`."""
    refund = _id("refund", event_id)
    return {
        "id": refund,
        "status": "COMPLETED",
        "amount": _money(),
        "seller_payable_breakdown": {
            "gross_amount": _money(),
            "paypal_fee": _money(FEE),
            "net_amount": _money(NET),
            "total_refunded_amount": _money(),
        },
        "create_time": moment,
        "update_time": moment,
        "links": [
            _up(f"/v2/payments/refunds/{refund}", "self"),
            _up(f"/v2/payments/captures/{_id('capture', event_id)}"),
        ],
    }


def _authorization(event_type: str, event_id: str, moment: str) -> Resource:
    status = "VOIDED" if event_type.endswith("VOIDED") else "CREATED"
    return _payment("authorization", status, event_id, moment)


def _order(event_type: str, event_id: str, moment: str) -> Resource:
    completed = event_type.endswith("COMPLETED")
    unit: Resource = {"reference_id": "default", "amount": _money()}
    if completed:
        unit["payments"] = {"captures": [_capture(event_type, event_id, moment)]}
    return {
        "id": _id("order", event_id),
        "intent": "CAPTURE",
        "status": "COMPLETED" if completed else "APPROVED",
        "payer": {
            "email_address": "pat@example.com",
            "payer_id": token(event_id, "payer", 13, UPPER),
        },
        "purchase_units": [unit],
        "create_time": moment,
        "update_time": moment,
    }


def _dispute(event_type: str, event_id: str, moment: str) -> Resource:
    """A dispute has no `id`, and names the capture as the seller's transaction."""
    return {
        "dispute_id": f"PP-D-{token(event_id, 'dispute', 5, '0123456789')}",
        "create_time": moment,
        "update_time": moment,
        "disputed_transactions": [{"seller_transaction_id": _id("capture", event_id)}],
        "reason": "MERCHANDISE_OR_SERVICE_NOT_RECEIVED",
        "status": "OPEN",
        "dispute_state": "OPEN_INQUIRIES",
        "dispute_life_cycle_stage": "INQUIRY",
        "dispute_amount": _money(),
    }


def _subscription(event_type: str, event_id: str, moment: str) -> Resource:
    return {
        "id": f"I-{token(event_id, 'subscription', 12, UPPER)}",
        "plan_id": f"P-{token(event_id, 'plan', 24, UPPER)}",
        "status": "APPROVAL_PENDING",
        "quantity": "1",
        "subscriber": {"email_address": "pat@example.com"},
        "start_time": moment,
        "create_time": moment,
    }


def _sale(event_type: str, event_id: str, moment: str) -> Resource:
    """v1: `total` and `currency`, and `state` instead of `status`."""
    return {
        "id": _id("sale", event_id),
        "amount": {"total": VALUE, "currency": CURRENCY, "details": {"subtotal": VALUE}},
        "billing_agreement_id": f"I-{token(event_id, 'subscription', 12, UPPER)}",
        "payment_mode": "INSTANT_TRANSFER",
        "state": "completed",
        "transaction_fee": {"value": FEE, "currency": CURRENCY},
        "create_time": moment,
        "update_time": moment,
    }


def _kind(event_type: str) -> str:
    return event_type.split(".")[-2].lower() if "." in event_type else "resource"


def _generic(event_type: str, event_id: str, moment: str) -> Resource:
    return {
        "id": _id(_kind(event_type), event_id),
        "status": event_type.rpartition(".")[2],
        "create_time": moment,
    }


# The resource's type, its version ("" where v1 events leave it out), and what makes it.
MAKERS: dict[str, tuple[str, str, Callable[[str, str, str], Resource]]] = {
    "PAYMENT.CAPTURE.COMPLETED": ("capture", "2.0", _capture),
    "PAYMENT.CAPTURE.PENDING": ("capture", "2.0", _capture),
    "PAYMENT.CAPTURE.DENIED": ("capture", "2.0", _capture),
    "PAYMENT.CAPTURE.REFUNDED": ("refund", "2.0", _refund),
    "PAYMENT.AUTHORIZATION.CREATED": ("authorization", "2.0", _authorization),
    "PAYMENT.AUTHORIZATION.VOIDED": ("authorization", "2.0", _authorization),
    "CHECKOUT.ORDER.APPROVED": ("checkout-order", "2.0", _order),
    "CHECKOUT.ORDER.COMPLETED": ("checkout-order", "2.0", _order),
    "CUSTOMER.DISPUTE.CREATED": ("dispute", "", _dispute),
    "BILLING.SUBSCRIPTION.CREATED": ("subscription", "2.0", _subscription),
    "PAYMENT.SALE.COMPLETED": ("sale", "", _sale),
}
