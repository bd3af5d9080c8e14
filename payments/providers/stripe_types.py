"""Which of Stripe's event types we subscribe to: other events are not missing here.

An endpoint's `enabled_events` say so where the key may see them; else STRIPE_EVENT_TYPES does, else
what there are handlers for. Source: docs.stripe.com/api/webhook_endpoints/object.
"""

from __future__ import annotations

from collections.abc import Collection

from payments.errors import CannotAsk, MayNotAsk
from payments.providers.asking import Api
from payments.providers.event_types import EventTypes

ENDPOINTS = "/v1/webhook_endpoints"
# More than these cannot be asked for at once (docs.stripe.com/api/events/list, `types`).
MOST_ASKED_FOR = 20
# An account may have 16 endpoints of its own (docs.stripe.com/webhooks).
PAGE = 100


def names_to_ask_for(types: EventTypes) -> tuple[str, ...]:
    """All of them, where a list can be asked for just these; else nothing."""
    plain = not any("*" in pattern for pattern in types.patterns)
    few = len(types.patterns) <= MOST_ASKED_FOR
    return tuple(sorted(types.patterns)) if plain and few else ()


def subscribed_types(api: Api, configured: Collection[str], handled: Collection[str]) -> EventTypes:
    """What Stripe is to send here.

    Raises:
        CannotAsk: Stripe does not answer. That it does not let the key see endpoints is no failure.
    """
    return EventTypes(frozenset(_enabled(api) or configured or handled))


def _enabled(api: Api) -> set[str]:
    """What the endpoints that are on want; nothing where that is not known."""
    try:
        answer = api.get(ENDPOINTS, {"limit": PAGE})
    except MayNotAsk:
        return set()
    if answer is None:
        return set()
    endpoints = answer.get("data")
    if not isinstance(endpoints, list):
        raise CannotAsk("Stripe's list of webhook endpoints is not a list.")
    found: set[str] = set()
    for endpoint in endpoints:
        if isinstance(endpoint, dict) and endpoint.get("status") == "enabled":
            types = endpoint.get("enabled_events")
            found.update(it for it in types or () if isinstance(it, str))
    return found
