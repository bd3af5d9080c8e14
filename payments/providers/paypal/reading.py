"""PayPal's API as reconciliation reads it: objects by their paths, and failures in words."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

from payments.errors import CannotAsk, MayNotAsk, ProviderUnavailable
from payments.providers.asking import Pace, Query
from payments.providers.paypal.api import PayPalApi, json_object

# A page of 500 transactions; an answer to a webhook's verification is a thousandth of that.
MOST_BYTES = 8 * 1024 * 1024


@dataclass(frozen=True)
class PayPalReader:
    """Reads from `api`; `livemode` is that of the account's mode."""

    api: PayPalApi
    livemode: bool | None
    pace: Pace = field(default_factory=Pace, repr=False, compare=False)

    def get(self, path: str, query: Query | None = None) -> dict[str, Any] | None:
        """See `Api.get`."""
        self.pace.wait()
        target = f"{path}?{urlencode(query)}" if query else path
        try:
            answer = self.api.request("GET", target, most_bytes=MOST_BYTES)
            if answer.status == 404:
                return None
            if answer.status == 403:
                raise MayNotAsk("The app of PAYPAL_CLIENT_ID may not see this (status 403).")
            if answer.status != 200:
                raise CannotAsk(f"PayPal answered with status {answer.status}.")
            return json_object(answer.body)
        except ProviderUnavailable:
            # Why is in the log: no answer, a limited rate, no token, or no JSON.
            raise CannotAsk(
                "PayPal gave no usable answer (none at all, status 429 or 5xx, or no JSON)."
            ) from None
