"""Rows as JSON: times in ISO 8601 and UTC, everything else as it is."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any


def dumps(value: Any, *, indent: int | None = None) -> str:
    """`value` as JSON text; TypeError for what has no form there."""
    return json.dumps(value, default=_plain, indent=indent)


def _plain(value: Any) -> str:
    if isinstance(value, datetime):
        return value.isoformat().replace("+00:00", "Z")
    raise TypeError(f"{type(value).__name__} is not JSON")
