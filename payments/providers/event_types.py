"""Which event types a provider sends here: events of other types are not missing."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property


@dataclass(frozen=True)
class EventTypes:
    """Types, in which `*` stands for any characters."""

    patterns: frozenset[str]

    def has(self, event_type: str) -> bool:
        return self._matcher.fullmatch(event_type) is not None

    @cached_property
    def _matcher(self) -> re.Pattern[str]:
        parts = (".*".join(map(re.escape, it.split("*"))) for it in sorted(self.patterns))
        return re.compile("|".join(parts), re.DOTALL)
