"""Who is asked about an account's money: its provider, if there is a key."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from payments.config import Settings
from payments.providers.paypal.provider import PayPal
from payments.providers.stripe import Stripe
from payments.providers.stripe_api import StripeApi
from payments.reconciliation.connected import api_of_platform, connected_accounts
from payments.reconciliation.counts import Source
from payments.reconciliation.kept import KeptPayments
from payments.reconciliation.money_run import Payments
from payments.reconciliation.paypal_payments import PayPalPayments
from payments.reconciliation.stripe_payments import StripePayments


@dataclass(frozen=True)
class Sides:
    """The two sides of one account, and for how long the provider's may lag."""

    theirs: Payments
    ours: KeptPayments
    lag: timedelta


def sources_of(settings: Settings) -> dict[Source, bool]:
    """The accounts that are configured, and whether there is a key to ask their provider."""
    return {
        Source(name, account): getattr(provider, "api", None) is not None
        for name, accounts in settings.providers.items()
        for account, provider in accounts.items()
    }


def all_sources(settings: Settings) -> dict[Source, bool]:
    """The same, and the connected accounts that events came from."""
    return {**sources_of(settings), **dict.fromkeys(connected_accounts(settings), True)}


def sides_of(source: Source, settings: Settings) -> Sides | None:
    """None where there is no key, or where nobody knows how to ask this provider."""
    provider = settings.providers.get(source.provider, {}).get(source.account)
    if provider is None and (api := api_of_platform(source, settings)):
        return _stripe_sides(source, api)
    if isinstance(provider, Stripe) and provider.api is not None:
        return _stripe_sides(source, provider.api)
    if isinstance(provider, PayPal) and provider.reader is not None:
        kept = KeptPayments(source, provider.reader.livemode)
        return Sides(PayPalPayments(provider.reader, kept.has_object), kept, PayPalPayments.lag)
    return None


def _stripe_sides(source: Source, api: StripeApi) -> Sides:
    return Sides(StripePayments(api), KeptPayments(source, api.livemode), StripePayments.lag)
