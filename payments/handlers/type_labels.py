"""What an event's type is called in metrics: a bounded number of names, whatever is sent.

A type that is known or handled has its own; one that a pattern such as `customer.*` covers has the
pattern's; all others are `other`. Sources: docs.stripe.com/api/events/types,
developer.paypal.com/api/rest/webhooks/event-names.
"""

from __future__ import annotations

from payments.handlers.registry import pattern_for

OTHER = "other"

STRIPE = frozenset(
    f"{object}.{what}"
    for object, whats in {
        "charge": "captured expired failed pending refunded succeeded updated",
        "charge.dispute": "closed created funds_reinstated funds_withdrawn updated",
        "charge.refund": "updated",
        "checkout.session": "async_payment_failed async_payment_succeeded completed expired",
        "invoice": "created deleted finalization_failed finalized marked_uncollectible overdue"
        " overpaid paid payment_action_required payment_attempt_required payment_failed"
        " payment_succeeded sent upcoming updated voided will_be_due",
        "invoice_payment": "paid",
        "payment_intent": "amount_capturable_updated canceled created partially_funded"
        " payment_failed processing requires_action succeeded",
        "refund": "created failed updated",
    }.items()
    for what in whats.split()
)
PAYPAL = frozenset(
    f"{object}.{what}"
    for object, whats in {
        "CHECKOUT.ORDER": "APPROVED COMPLETED DECLINED PROCESSED SAVED VOIDED",
        "CHECKOUT.PAYMENT-APPROVAL": "REVERSED",
        "CUSTOMER.DISPUTE": "CREATED RESOLVED UPDATED",
        "PAYMENT.AUTHORIZATION": "CREATED VOIDED",
        "PAYMENT.CAPTURE": "COMPLETED DECLINED DENIED PENDING REFUNDED REVERSED",
        "PAYMENT.ORDER": "CANCELLED CREATED",
        "PAYMENT.REFUND": "COMPLETED DENIED FAILED PENDING",
        "PAYMENT.SALE": "COMPLETED DENIED PENDING REFUNDED REVERSED",
        "RISK.DISPUTE": "CREATED",
    }.items()
    for what in whats.split()
)
KNOWN = {"stripe": STRIPE, "paypal": PAYPAL}


def type_label(provider: str, event_type: str) -> str:
    """The name of `event_type` in metrics."""
    if event_type in KNOWN.get(provider, ()):
        return event_type
    return pattern_for(provider, event_type) or OTHER
