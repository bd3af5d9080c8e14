"""Who is asked for the events of which account: every one with a key, and connected ones."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

from payments.config import Settings
from payments.handlers.registry import patterns_for
from payments.projection.stripe_reading import PAYMENT_PREFIXES
from payments.providers.base import Provider
from payments.providers.listing import EventList
from payments.providers.paypal import webhooks
from payments.providers.paypal.events import PayPalEvents
from payments.providers.paypal.provider import PayPal
from payments.providers.stripe import Stripe
from payments.providers.stripe_events import StripeEvents
from payments.providers.stripe_types import subscribed_types
from payments.reconciliation.connected import connected_accounts, platform
from payments.reconciliation.counts import Source


@dataclass(frozen=True)
class Asked:
    """One account, the provider that reads its events, and the list of them."""

    source: Source
    provider: Provider
    events: EventList


def sources_with_key(settings: Settings) -> dict[Source, Asked]:
    """The accounts whose provider can be asked for events."""
    found = {}
    for name, accounts in settings.providers.items():
        for account, provider in accounts.items():
            source = Source(name, account)
            if asked := _asked(source, provider):
                found[source] = asked
    for source in connected_accounts(settings):
        if (owner := platform(settings)) and (asked := _asked(source, owner, source.account)):
            found[source] = asked
    return found


def _asked(source: Source, provider: Provider, connected: str | None = None) -> Asked | None:
    """None where there is no key, or where nobody knows how to ask this provider."""
    if isinstance(provider, Stripe) and provider.api is not None:
        api = provider.api.of(connected) if connected else provider.api
        handled = [*patterns_for(Stripe.name), *(f"{it}.*" for it in PAYMENT_PREFIXES)]
        # Endpoints belong to the platform, also those that are told of connected accounts.
        types = partial(subscribed_types, provider.api, provider.event_types, handled)
        return Asked(source, provider, StripeEvents(api, types))
    if isinstance(provider, PayPal) and provider.reader is not None:
        ids = [webhook_id.value.decode() for webhook_id in provider.webhook_ids]
        told = partial(webhooks.subscribed_types, provider.reader, ids)
        return Asked(source, provider, PayPalEvents(provider.reader, told))
    return None
