"""Stripe's events by its API: newest first, of the last 30 days, of the types we subscribe to.

Source: docs.stripe.com/api/events/list. A server that takes fewer parameters than Stripe's (400) is
asked with fewer, and what it lists is filtered here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any, ClassVar

from payments.errors import CannotAsk, QuestionRefused
from payments.providers.asking import Query
from payments.providers.base import optional_identifier, parse_time
from payments.providers.event_types import EventTypes
from payments.providers.listing import Cursors, ListedEvent, encoded
from payments.providers.stripe_api import StripeApi
from payments.providers.stripe_types import names_to_ask_for

EVENTS = "/v1/events"
PAGE = 100
# What is left out, one after the other, where it is refused.
OPTIONAL = ("types", "created")


@dataclass
class StripeEvents:
    """The events that `api` shows; `find_types` says which of them are sent here."""

    api: StripeApi
    find_types: Callable[[], EventTypes]
    keeps: ClassVar[timedelta] = timedelta(days=30)
    lag: ClassVar[timedelta] = timedelta(minutes=10)
    refused: set[str] = field(default_factory=set)

    @property
    def livemode(self) -> bool | None:
        return self.api.livemode

    def knows(self, event_id: str) -> bool:
        """See `EventList.knows`."""
        return self.api.get(f"{EVENTS}/{event_id}") is not None

    def between(self, start: datetime, end: datetime) -> Iterator[list[ListedEvent]]:
        """See `EventList.between`."""
        seen: set[str] = set()
        for page in self._pages(int(start.timestamp()), int(end.timestamp())):
            new = [event for event in map(self._listed, page) if event.event_id not in seen]
            seen.update(event.event_id for event in new)
            yield [
                event
                for event in new
                if self._types.has(event.event_type)
                and (event.created is None or start <= event.created < end)
            ]

    def _pages(self, since: int, until: int) -> Iterator[list[dict[str, Any]]]:
        cursors = Cursors("Stripe")
        after: dict[str, str] = {}
        while True:
            answer = self._ask(since, until, after)
            page, more = answer.get("data"), answer.get("has_more")
            if not isinstance(page, list) or not isinstance(more, bool):
                raise CannotAsk("Stripe's list of events is not a list.")
            if not all(isinstance(event, dict) for event in page):
                raise CannotAsk("Stripe's list of events has something else in it.")
            yield page
            if not more:
                return
            if not page:
                raise CannotAsk("Stripe says that there are more events, and lists none.")
            after = {"starting_after": cursors.follow(_cursor(page[-1]))}

    def _ask(self, since: int, until: int, after: dict[str, str]) -> dict[str, Any]:
        while True:
            query: dict[str, str | int] = {"limit": PAGE, **after}
            if "types" not in self.refused:
                query |= {
                    f"types[{n}]": name for n, name in enumerate(names_to_ask_for(self._types))
                }
            if "created" not in self.refused:
                query |= {"created[gte]": since, "created[lt]": until}
            try:
                return self._get(query)
            except QuestionRefused:
                asked = [it for it in OPTIONAL if any(key.startswith(it) for key in query)]
                if not asked:
                    raise
                self.refused.add(asked[0])

    def _get(self, query: Query) -> dict[str, Any]:
        answer = self.api.get(EVENTS, query)
        if answer is None:
            raise CannotAsk("Stripe's API has no list of events: check STRIPE_API_BASE.")
        return answer

    def _listed(self, event: dict[str, Any]) -> ListedEvent:
        id, name = event.get("id"), event.get("type")
        mode = event.get("livemode")
        if self.livemode is not None and isinstance(mode, bool) and mode != self.livemode:
            raise CannotAsk("Stripe lists events of another mode (live or test) than the key's.")
        # One without a usable id or type is told as well: what is missing must not be hidden.
        return ListedEvent(
            event_id=optional_identifier(id) or "(unusable id)",
            event_type=optional_identifier(name) or "(unusable type)",
            created=parse_time(event.get("created")),
            body=encoded(event),
            account=optional_identifier(event.get("account")),
        )

    @cached_property
    def _types(self) -> EventTypes:
        return self.find_types()


def _cursor(event: dict[str, Any]) -> str:
    cursor = optional_identifier(event.get("id"))
    if cursor is None:
        raise CannotAsk("Stripe lists an event without an id, so that there is no next page.")
    return cursor
