"""Who is asked for the events of which account: every one with a key, and connected ones."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial

from sqlalchemy import func, select

from payments.config import DEFAULT_ACCOUNT, Settings
from payments.database import snapshot
from payments.handlers.registry import patterns_for
from payments.models import Event
from payments.projection.stripe_reading import PAYMENT_PREFIXES
from payments.providers.base import Provider
from payments.providers.listing import EventList
from payments.providers.paypal import webhooks
from payments.providers.paypal.events import PayPalEvents
from payments.providers.paypal.provider import PayPal
from payments.providers.stripe import Stripe
from payments.providers.stripe_events import StripeEvents
from payments.providers.stripe_types import subscribed_types
from payments.reconciliation.counts import Source

# The ids of Stripe's connected accounts; an account of ours is named in lower case by a variable.
CONNECTED = "acct_"


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
    platform = _platform(settings)
    for account in _connected_accounts() if platform else ():
        source = Source(Stripe.name, account)
        if platform and source not in found and (asked := _asked(source, platform, account)):
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


def _platform(settings: Settings) -> Stripe | None:
    """The Stripe account whose key asks for connected ones: the default one, else the first."""
    accounts = settings.providers.get(Stripe.name, {})
    ordered = sorted(accounts, key=lambda account: (account != DEFAULT_ACCOUNT, account))
    keyed = (accounts[it] for it in ordered if accounts[it].api is not None)
    return next(keyed, None)


def _connected_accounts() -> Iterator[str]:
    """Those that events came from. One step through the index for each, however many events."""
    after = CONNECTED
    with snapshot() as session:
        while account := session.scalar(
            select(func.min(Event.account)).where(
                Event.provider == Stripe.name, Event.account > after
            )
        ):
            if account.startswith(CONNECTED):
                yield account
            after = account
