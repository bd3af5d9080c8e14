"""Made-up events, worded as the providers word theirs, for `flask simulate` and for tests.

Ids are derived from the event's id: two samples are distinct, and one is always the same.
"""

from __future__ import annotations

from payments.providers.samples.paypal import paypal_sample
from payments.providers.samples.stripe import stripe_sample

__all__ = ["paypal_sample", "stripe_sample"]
