"""Stripe's connected accounts: those that events came from. Their platform's key asks for them."""

from __future__ import annotations

from collections.abc import Iterator

from sqlalchemy import func, select

from payments.config import DEFAULT_ACCOUNT, Settings
from payments.database import snapshot
from payments.models import Event
from payments.providers.stripe import Stripe
from payments.providers.stripe_api import StripeApi
from payments.reconciliation.counts import Source

# The ids of Stripe's connected accounts; an account of ours is named in lower case by a variable.
PREFIX = "acct_"


def connected_accounts(settings: Settings) -> Iterator[Source]:
    """Those that can be asked about. One step through the index for each, however many events."""
    if platform(settings) is None:
        return
    after = PREFIX
    with snapshot() as session:
        while account := session.scalar(
            select(func.min(Event.account)).where(
                Event.provider == Stripe.name, Event.account > after
            )
        ):
            if account.startswith(PREFIX) and account not in settings.providers[Stripe.name]:
                yield Source(Stripe.name, account)
            after = account


def platform(settings: Settings) -> Stripe | None:
    """The Stripe account whose key asks for connected ones: the default one, else the first."""
    accounts = settings.providers.get(Stripe.name, {})
    ordered = sorted(accounts, key=lambda account: (account != DEFAULT_ACCOUNT, account))
    keyed = (accounts[it] for it in ordered if accounts[it].api is not None)
    return next(keyed, None)


def api_of_platform(source: Source, settings: Settings) -> StripeApi | None:
    """The API that shows this connected account; None where it is none, or there is no key."""
    found = platform(settings) if source.provider == Stripe.name else None
    if found is None or found.api is None or not source.account.startswith(PREFIX):
        return None
    return found.api.of(source.account)
