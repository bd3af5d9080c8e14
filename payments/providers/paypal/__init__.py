"""PayPal: see provider.py, which is where the story begins."""

from payments.providers.paypal.provider import PayPal as PayPal
