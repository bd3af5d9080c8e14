"""What PayPal's webhooks of ours are told of.

Source: developer.paypal.com/docs/api/webhooks/v1/#webhooks_get.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Any
from urllib.parse import quote

from payments.errors import CannotAsk, MayNotAsk
from payments.providers.asking import Api
from payments.providers.event_types import EventTypes

WEBHOOKS = "/v1/notifications/webhooks"
ALL = EventTypes(frozenset({"*"}))


def subscribed_types(api: Api, webhook_ids: Collection[str]) -> EventTypes:
    """The types of all of these webhooks that there are; every type where they may not be seen.

    Raises:
        CannotAsk: PayPal gives no usable answer, or the app has none of these webhooks.
    """
    try:
        answers = [api.get(f"{WEBHOOKS}/{quote(id, safe='')}") for id in webhook_ids]
    except MayNotAsk:
        return ALL
    known = [answer for answer in answers if answer is not None]
    if not known:
        raise CannotAsk(
            "The app of PAYPAL_CLIENT_ID has no webhook with the id in PAYPAL_WEBHOOK_ID: one of "
            "the two is of another app, account or mode."
        )
    return EventTypes(frozenset(name for answer in known for name in _names(answer)))


def _names(webhook: dict[str, Any]) -> Iterator[str]:
    types = webhook.get("event_types")
    if not isinstance(types, list):
        raise CannotAsk("PayPal does not say which events its webhook is told of.")
    names = (it.get("name") for it in types if isinstance(it, dict))
    yield from (name for name in names if isinstance(name, str))
