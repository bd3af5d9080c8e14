"""Stripe's API, through Stripe's own package, which retries what is worth retrying.

Source: docs.stripe.com/api. The package takes a while to import, so only who asks imports it.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

from payments.errors import AskedTooOften, CannotAsk, MayNotAsk, QuestionRefused
from payments.providers.asking import Pace, Query, wait_wanted

if TYPE_CHECKING:
    from stripe import StripeClient, StripeError

DEFAULT_BASE = "https://api.stripe.com"
RETRIES = 3
# To connect, and between two pieces of an answer.
SECONDS = (5.0, 30.0)


@dataclass(frozen=True)
class StripeApi:
    """The API at `base`, with the rights of `key`: a secret or a restricted one.

    `account` is the connected account that is asked about; None for the key's own.
    """

    key: str = field(repr=False)
    base: str = DEFAULT_BASE
    pace: Pace = field(default_factory=Pace, repr=False, compare=False)
    account: str | None = None

    @property
    def livemode(self) -> bool | None:
        kind, _, rest = self.key.partition("_")
        mode = rest.partition("_")[0]
        return mode == "live" if kind in ("sk", "rk") and mode in ("live", "test") else None

    def of(self, account: str) -> StripeApi:
        """The same about a connected account, at the same pace."""
        return replace(self, account=account)

    def get(self, path: str, query: Query | None = None) -> dict[str, Any] | None:
        """See `Api.get`."""
        return self.pace.ask(lambda: self._get(path, query))

    def _get(self, path: str, query: Query | None) -> dict[str, Any] | None:
        from stripe import StripeError

        try:
            answer = self._client.raw_request("get", path, **(query or {}))
        except StripeError as error:
            if error.http_status == 404:
                return None
            raise _problem(error, path) from None
        if not isinstance(answer.data, dict):
            raise CannotAsk("Stripe answered with something that is not a JSON object.")
        return dict(answer.data)

    @cached_property
    def _client(self) -> StripeClient:
        from stripe import RequestsClient, StripeClient

        return StripeClient(
            self.key,
            stripe_account=self.account,
            base_addresses={"api": self.base},
            max_network_retries=RETRIES,
            http_client=RequestsClient(timeout=SECONDS),
        )


def _problem(error: StripeError, path: str) -> CannotAsk:
    """In our words: the package's own messages quote keys and bodies."""
    status = error.http_status
    if status == 401:
        return CannotAsk("Stripe does not accept STRIPE_API_KEY (status 401).")
    if status == 403:
        return MayNotAsk(f"STRIPE_API_KEY may not see {path} (status 403).")
    if status == 400:
        return QuestionRefused(f"Stripe does not take the question for {path} (status 400).")
    if status == 429:
        # Stripe's package does not wait for a limited rate.
        return AskedTooOften("Stripe", wait_wanted((error.headers or {}).get("Retry-After")))
    if status is None:
        return CannotAsk("Stripe does not answer.")
    if 200 <= status < 300:
        return CannotAsk("Stripe answered with something that is not JSON.")
    return CannotAsk(f"Stripe answered {path} with status {status}.")
