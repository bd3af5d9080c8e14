"""PayPal's API as reconciliation reads it: objects by their paths, and failures in words."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

from payments.errors import (
    AskedTooOften,
    CannotAsk,
    MayNotAsk,
    ProviderLimitsRate,
    ProviderUnavailable,
)
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
        target = f"{path}?{urlencode(query)}" if query else path
        return self.pace.ask(lambda: self._get(target))

    def _get(self, target: str) -> dict[str, Any] | None:
        try:
            answer = self.api.ask("GET", target, most_bytes=MOST_BYTES)
            if answer.status == 404:
                return None
            if answer.status == 403:
                raise MayNotAsk("The app of PAYPAL_CLIENT_ID may not see this (status 403).")
            if answer.status != 200:
                raise CannotAsk(f"PayPal answered with status {answer.status}.")
            return json_object(answer.body)
        except ProviderLimitsRate as error:
            raise AskedTooOften("PayPal", error.wait_seconds) from None
        except ProviderUnavailable as error:
            raise CannotAsk(error.reason) from None
