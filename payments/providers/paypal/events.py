"""PayPal's events by its API: page by page, of the last 31 days, of the types we subscribe to.

The list is that of the app, whatever webhooks it has; which types are sent here is filtered here.

Source: developer.paypal.com/docs/api/webhooks/v1/#webhooks-events_list.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any, ClassVar
from urllib.parse import quote, urlencode, urlsplit

from payments.errors import CannotAsk
from payments.providers.base import optional_identifier, parse_time
from payments.providers.event_types import EventTypes
from payments.providers.listing import Cursors, ListedEvent, encoded
from payments.providers.paypal.reading import PayPalReader
from payments.providers.paypal.transmission import LIVE_HOSTS, SANDBOX_HOSTS

EVENTS = "/v1/notifications/webhooks-events"
PAGE = 100
# PayPal does not say whether the bounds belong to the period: it is asked for a little more.
MARGIN = timedelta(seconds=1)


@dataclass
class PayPalEvents:
    """The events that `api` shows; `find_types` says which of them are sent here."""

    api: PayPalReader
    find_types: Callable[[], EventTypes]
    keeps: ClassVar[timedelta] = timedelta(days=31)
    lag: ClassVar[timedelta] = timedelta(minutes=10)

    @property
    def livemode(self) -> bool | None:
        return self.api.livemode

    def knows(self, event_id: str) -> bool:
        """See `EventList.knows`."""
        return self.api.get(f"{EVENTS}/{quote(event_id, safe='')}") is not None

    def between(self, start: datetime, end: datetime) -> Iterator[list[ListedEvent]]:
        """See `EventList.between`."""
        seen: set[str] = set()
        for page in self._pages(start, end):
            new = [event for event in map(_listed, page) if event.event_id not in seen]
            seen.update(event.event_id for event in new)
            yield [
                event
                for event in new
                if self._types.has(event.event_type)
                and (event.created is None or start <= event.created < end)
            ]

    def _pages(self, start: datetime, end: datetime) -> Iterator[list[dict[str, Any]]]:
        query = {
            "start_time": _time(start - MARGIN),
            "end_time": _time(end + MARGIN),
            "page_size": PAGE,
        }
        cursors = Cursors("PayPal")
        target: str | None = f"{EVENTS}?{urlencode(query)}"
        while target:
            answer = self.api.get(cursors.follow(target))
            if answer is None:
                raise CannotAsk("PayPal's API has no list of events: check PAYPAL_API_BASE.")
            page, links = answer.get("events"), answer.get("links", [])
            if not isinstance(page, list) or not isinstance(links, list):
                raise CannotAsk("PayPal's list of events is not a list.")
            if not all(isinstance(event, dict) for event in page):
                raise CannotAsk("PayPal's list of events has something else in it.")
            target = self._next(links)
            if target and not page:
                raise CannotAsk("PayPal says that there are more events, and lists none.")
            yield page

    @cached_property
    def _types(self) -> EventTypes:
        return self.find_types()

    def _next(self, links: list[Any]) -> str | None:
        """The next page's path and query. The token goes to our own base alone."""
        for link in links:
            if isinstance(link, dict) and link.get("rel") == "next":
                url = urlsplit(str(link.get("href")))
                hosts = {urlsplit(self.api.api.base).netloc, *LIVE_HOSTS, *SANDBOX_HOSTS}
                if url.netloc not in hosts or url.path != EVENTS:
                    raise CannotAsk("PayPal's list of events goes on at another host or path.")
                return f"{url.path}?{url.query}"
        return None


def _listed(event: dict[str, Any]) -> ListedEvent:
    # One without a usable id or type is told as well: what is missing must not be hidden.
    return ListedEvent(
        event_id=optional_identifier(event.get("id")) or "(unusable id)",
        event_type=optional_identifier(event.get("event_type")) or "(unusable type)",
        created=parse_time(event.get("create_time")),
        body=encoded(event),
    )


def _time(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")
