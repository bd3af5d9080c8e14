"""The kinds of facts, and the order of the states that an object goes through.

A state that is higher in its order wins, whichever was heard first.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from payments.projection.facts import PARENT

# An invoice that a payment is for: a note, which makes no payment.
INVOICE = "link.invoice"
LINKS = (PARENT, INVOICE)

INTENT_STATUS = "intent.status"
INTENT_AMOUNT = "intent.amount"
INTENT_AUTHORIZED = "intent.authorized"
INTENT_RECEIVED = "intent.received"

CHARGE_STATUS = "charge.status"
CHARGE_AMOUNT = "charge.amount"
CHARGE_CAPTURED = "charge.captured"
# Captured as a whole, by an API version that does not say how much.
CHARGE_CAPTURED_WHOLE = "charge.captured_whole"
CHARGE_REFUNDED = "charge.refunded"
# The same by an API version before basil, where what was never captured counts as refunded.
CHARGE_REFUNDED_OR_RELEASED = "charge.refunded_or_released"
# Its authorization ran out: only the type of the event says so.
CHARGE_EXPIRED = "charge.expired"
CHARGE_FEE = "charge.fee"
# A list of its refunds: "3" of them, or "3 and more".
CHARGE_REFUND_LIST = "charge.refund_list"

ORDER_STATUS = "order.status"
# Another object names it as an order: ids of PayPal do not tell what they are.
ORDER_NAMED = "order.named"
AUTHORIZATION_STATUS = "authorization.status"
AUTHORIZATION_AMOUNT = "authorization.amount"
CAPTURE_STATUS = "capture.status"
CAPTURE_AMOUNT = "capture.amount"
CAPTURE_FEE = "capture.fee"
CAPTURE_FINAL = "capture.final"
# What PayPal says was refunded of a capture by all refunds together.
CAPTURE_REFUNDED_TOTAL = "capture.refunded_total"

REFUND_STATUS = "refund.status"
REFUND_AMOUNT = "refund.amount"
REFUND_FEE = "refund.fee"
REFUND_IS_REVERSAL = "refund.is_reversal"

DISPUTE_STATUS = "dispute.status"
DISPUTE_AMOUNT = "dispute.amount"
DISPUTE_OUTCOME = "dispute.outcome"
# "txn -1500 EUR fee 1500": one movement of money, by the id of its balance transaction.
DISPUTE_MOVEMENT = "dispute.movement"
# Funds are said to be back, by an event that shows no movement.
DISPUTE_REINSTATED = "dispute.reinstated"

Ranks = Mapping[str, int]

INTENT_FINAL = ("succeeded", "canceled")
INTENT_RANKS: Ranks = {
    "requires_payment_method": 0,
    "requires_confirmation": 1,
    "requires_action": 2,
    "failed": 3,  # requires_payment_method, with the error of the last attempt
    "processing": 4,
    "requires_capture": 5,
    "canceled": 6,
    "succeeded": 7,
}
CHARGE_RANKS: Ranks = {"pending": 0, "failed": 1, "succeeded": 2, "clawed_back": 3}
REFUND_RANKS: Ranks = {
    "pending": 0,
    "requires_action": 0,
    "succeeded": 1,
    "canceled": 2,
    "failed": 2,
}
REFUND_BAD = ("failed", "canceled")
STRIPE_DISPUTE_RANKS: Ranks = {
    "warning_needs_response": 0,
    "warning_under_review": 1,
    "warning_closed": 2,
    "needs_response": 3,
    "under_review": 4,
    "charge_refunded": 5,
    "prevented": 5,
    "won": 6,
    "lost": 7,
    "appeal_needs_response": 8,
    "appeal_under_review": 9,
}
ORDER_RANKS: Ranks = {
    "created": 0,
    "saved": 1,
    "payer_action_required": 2,
    "approved": 3,
    "declined": 4,
    "reversed": 5,
    "voided": 6,
    "completed": 7,
}
AUTHORIZATION_RANKS: Ranks = {
    "pending": 0,
    "created": 1,
    "partially_captured": 2,
    "captured": 3,
    "denied": 4,
    "expired": 4,
    "voided": 5,
}
CAPTURE_RANKS: Ranks = {
    "pending": 0,
    "denied": 1,
    "declined": 1,
    "failed": 1,
    "completed_held": 2,  # completed, and PayPal holds the funds
    "completed": 3,
    "partially_refunded": 4,
    "refunded": 5,
}
CAPTURE_COUNTS = ("completed_held", "completed", "partially_refunded", "refunded")
PAYPAL_DISPUTE_RANKS: Ranks = {
    "open": 0,
    "waiting_for_buyer_response": 1,
    "waiting_for_seller_response": 2,
    "under_review": 3,
    "other": 4,
    "resolved": 5,
}


def top(values: Iterable[str], ranks: Ranks) -> str | None:
    """The highest of the states; of equals the last by name, so that the answer is one."""
    return max(values, key=lambda value: (ranks.get(value, -1), value), default=None)
