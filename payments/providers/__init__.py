"""The providers that this service knows. A new one is a file, and a line here."""

from payments.providers.base import Provider
from payments.providers.paypal import PayPal
from payments.providers.stripe import Stripe

REGISTERED: tuple[type[Provider], ...] = (
    Stripe,
    PayPal,
)
