"""One thing that is not as it should be: a sentence for people, and the numbers behind it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any


@dataclass(frozen=True, kw_only=True)
class Anomaly:
    """Something that an operator should know.

    Attributes:
        kind: `gaps`, `conflicts`, `stuck_events`, `silent`, `spike` or `bad_signatures`.
        since: since when, as far as the period and the counts tell.
        message: one sentence for people.
        numbers: what the sentence is made from.
    """

    kind: str
    provider: str
    account: str
    since: datetime
    message: str
    numbers: dict[str, int | float]

    def describe(self) -> dict[str, Any]:
        return vars(self)


def in_words(number: int) -> str:
    return f"{number} event{'s' * (number != 1)}"
