"""Exceptions as fields: for whoever looks through logs by type, message or place.

Never with the values of variables: those are payloads and secrets.
"""

from __future__ import annotations

from collections.abc import MutableMapping
from pathlib import Path
from typing import Any

import structlog
from structlog.tracebacks import ExceptionDictTransformer

from payments.config import ROOT

MOST_FRAMES = 30
_take_apart = structlog.processors.ExceptionRenderer(
    ExceptionDictTransformer(show_locals=False, max_frames=MOST_FRAMES)
)


def as_fields(logger: Any, method: str, line: MutableMapping[str, Any]) -> Any:
    """A processor: `exc_info` becomes `exception`, the error first and then what it came from."""
    line = _take_apart(logger, method, line)
    if "exception" in line:
        line["exception"] = [_fields(error) for error in line["exception"]]
    return line


def _fields(error: dict[str, Any]) -> dict[str, Any]:
    fields = {
        "type": error["exc_type"],
        "message": error["exc_value"],
        "frames": [
            f"{_place(frame['filename'])}:{frame['lineno']} {frame['name']}"
            for frame in error["frames"]
        ],
    }
    if error["exc_notes"]:
        fields["notes"] = error["exc_notes"]
    if error["exceptions"]:
        fields["exceptions"] = [[_fields(it) for it in below] for below in error["exceptions"]]
    return fields


def _place(filename: str) -> str:
    """Below the project's folder, or below the one with the libraries."""
    path = Path(filename)
    if path.is_relative_to(ROOT) and "site-packages" not in path.parts:
        return str(path.relative_to(ROOT))
    return filename.rpartition("site-packages/")[2]
