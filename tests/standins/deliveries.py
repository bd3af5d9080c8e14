"""Providers and deliveries as the service would make them, for tests of one provider."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

from payments.providers.base import Delivery
from payments.providers.paypal.provider import PayPal
from payments.variables import Variables
from tests.standins.paypal import PayPalStandIn


def deliver(
    body: bytes, headers: Mapping[str, str], received_at: datetime | None = None
) -> Delivery:
    """A delivery to PayPal's default account, received now where nothing else is said."""
    return Delivery(
        provider="paypal",
        account="default",
        body=body,
        headers={name.lower(): value for name, value in headers.items()},
        received_at=received_at or datetime.now(UTC),
    )


def paypal_for(standin: PayPalStandIn, **environ: str) -> PayPal:
    """A PayPal that is configured for `standin`, and trusts its authority."""
    with tempfile.NamedTemporaryFile(suffix=".pem") as file:
        Path(file.name).write_bytes(standin.ca_pem)
        return configured(
            {
                "PAYPAL_MODE": "sandbox",
                "PAYPAL_WEBHOOK_ID": standin.webhook_id,
                "PAYPAL_CLIENT_ID": standin.client_id,
                "PAYPAL_CLIENT_SECRET": standin.client_secret,
                "PAYPAL_API_BASE": standin.base_url,
                "PAYPAL_CA_FILE": file.name,
                **environ,
            }
        )


def configured(environ: Mapping[str, str]) -> PayPal:
    """The PayPal of `environ`, which must be without a problem."""
    variables = Variables(environ)
    provider = PayPal.configure(variables, "default", strict=False)
    assert not variables.problems, variables.problems
    assert provider is not None
    return provider
