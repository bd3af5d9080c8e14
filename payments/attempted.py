"""What metrics are told of an attempt at an event, and of the event's end."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from payments.handlers.type_labels import type_label
from payments.models import FINISHED, Event, utc_now
from payments.observability import metrics


@dataclass(frozen=True)
class Attempted:
    """Which event was attempted, in the words of metrics; kept before a handler changes the row."""

    provider: str
    type_label: str
    received_at: datetime

    @classmethod
    def of(cls, event: Event) -> Attempted:
        label = type_label(event.provider, event.event_type)
        return cls(event.provider, label, event.received_at)

    def ended(self, outcome: str, status: str, seconds: float) -> None:
        """The attempt took so many `seconds`; `status` is the event's now."""
        metrics.count_attempt(self.provider, outcome)
        metrics.measure_attempt(self.provider, self.type_label, seconds)
        if status in FINISHED:
            self.event_ended(status)

    def event_ended(self, status: str) -> None:
        metrics.count_event(self.provider, self.type_label, status)
        metrics.measure_event(self.provider, (utc_now() - self.received_at).total_seconds())
