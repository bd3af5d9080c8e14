"""Who stated a fact, and to which account it belongs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from payments.projection.facts import Fact

NEVER = datetime.max.replace(tzinfo=UTC)


@dataclass(frozen=True, kw_only=True)
class Account:
    """One account of one provider: an object's id says nothing outside of it."""

    provider: str
    name: str


@dataclass(frozen=True, kw_only=True)
class Cause:
    """The event that stated a fact. A fact that was fetched from the provider has none.

    Attributes:
        event: the event's primary key, None for what was fetched.
        event_id: the provider's id of the event.
        at: when the provider made the event, None where it does not say; or when it was fetched.
        livemode: what the event said of it.
    """

    event: int | None
    event_id: str = ""
    at: datetime | None = None
    livemode: bool | None = None

    @property
    def rank(self) -> tuple[bool, datetime, str]:
        """The smallest is a fact's cause; the order of arrival has no part in it.

        An event comes before a fetch, and an event with a time before one without.
        """
        return (self.event is None, self.at or NEVER, self.event_id)


Causes = Mapping[Fact, Cause]
