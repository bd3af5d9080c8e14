"""What a provider's list of events tells, and how it may fail."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Protocol

from payments.errors import CannotAsk


@dataclass(frozen=True, kw_only=True)
class ListedEvent:
    """One event as the provider lists it.

    Attributes:
        event_id: the provider's id of it.
        created: when the provider made it; None where it does not say so in a readable way.
        account: the connected account that it says it belongs to, if any.
        body: the event as JSON, with all that it says.
    """

    event_id: str
    event_type: str
    created: datetime | None
    body: bytes = field(repr=False)
    account: str | None = None


class EventList(Protocol):
    """One account's events at its provider; each method raises CannotAsk where it cannot tell.

    Attributes:
        keeps: for how long the provider lists an event.
        lag: how long it may take until an event that was made is listed.
        livemode: whether the key sees live events or those of tests; None where it does not tell.
    """

    @property
    def keeps(self) -> timedelta: ...

    @property
    def lag(self) -> timedelta: ...

    @property
    def livemode(self) -> bool | None: ...

    def between(self, start: datetime, end: datetime) -> Iterator[list[ListedEvent]]:
        """The events made from `start` up to, but not including, `end`: page by page, each once.

        When it ends without an error, it has told all of them.
        """
        ...

    def knows(self, event_id: str) -> bool:
        """Whether the provider shows this event to this key."""
        ...


def encoded(event: dict[str, Any]) -> bytes:
    """The event's JSON, as dense as deliveries are."""
    return json.dumps(event, ensure_ascii=False, separators=(",", ":")).encode(
        errors="backslashreplace"
    )


class Cursors:
    """The cursors of one list. One that comes twice would go round for ever."""

    def __init__(self, provider: str) -> None:
        self._provider = provider
        self._seen: set[str] = set()

    def follow(self, cursor: str) -> str:
        """
        Raises:
            CannotAsk: it was followed before.
        """
        if cursor in self._seen:
            raise CannotAsk(f"{self._provider}'s list of events goes round: one cursor came twice.")
        self._seen.add(cursor)
        return cursor
