"""The variables with which a service trusts and asks PayPal's stand-in."""

from __future__ import annotations

from pathlib import Path

from tests.standins.paypal import PayPalStandIn


def paypal_variables(paypal: PayPalStandIn, folder: Path) -> dict[str, str]:
    """Its certificates are kept in `folder`."""
    authorities = folder / "authorities.pem"
    authorities.write_bytes(paypal.ca_pem)
    return {
        "PAYPAL_MODE": "sandbox",
        "PAYPAL_WEBHOOK_ID": paypal.webhook_id,
        "PAYPAL_CLIENT_ID": paypal.client_id,
        "PAYPAL_CLIENT_SECRET": paypal.client_secret,
        "PAYPAL_API_BASE": paypal.base_url,
        "PAYPAL_CA_FILE": str(authorities),
    }
