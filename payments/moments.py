"""Times as people give them: absolute, or so long ago. What is kept is always absolute."""

from __future__ import annotations

import re
from datetime import datetime, timedelta

from payments.providers.base import parse_time

HINT = "use ISO 8601, as in 2026-01-31T00:00:00Z, or how long ago, as in 90m, 2h or 7d"
_AGO = re.compile(r"([0-9]{1,4})([mhd])")
_UNITS = {"m": "minutes", "h": "hours", "d": "days"}


def parse_moment(text: object, now: datetime) -> datetime | None:
    """An aware time of "2h" before `now`, or of ISO 8601; None where it is neither."""
    if isinstance(text, str) and (match := _AGO.fullmatch(text)):
        return now - timedelta(**{_UNITS[match[2]]: int(match[1])})
    return parse_time(text) if isinstance(text, str) else None
