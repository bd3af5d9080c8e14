"""Values of columns: compared whole, shown masked and cut."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping
from typing import Any, NamedTuple

from payments.dry_run.result import Shown
from payments.observability.masking import Masker

LONGEST_SHOWN = 500
# Read twice as much, so that a secret at the cut is whole when it is masked.
LONGEST_READ = 2 * LONGEST_SHOWN


class Cell(NamedTuple):
    """What is shown of a value, and what it is compared by."""

    shown: Shown
    whole: object


Row = Mapping[str, Cell]


def cell_of_text(text: str | None, digest: str | None, type_name: str, mask: Masker) -> Cell:
    """PostgreSQL's: the beginning of the value's text, and a digest of it where that is cut."""
    if text is None:
        return Cell(None, None)
    whole = (text, digest)
    if type_name in ("int2", "int4", "int8"):
        return Cell(int(text), whole)
    if type_name == "bool":
        return Cell(text == "true", whole)
    if type_name in ("float4", "float8") and math.isfinite(float(text)):
        return Cell(float(text), whole)
    return Cell(_shorten(text, mask, cut=digest is not None), whole)


def cell_of_value(value: Any, mask: Masker) -> Cell:
    """SQLite's: NULL, INTEGER, REAL, TEXT or BLOB; long ones are kept as their digest."""
    if isinstance(value, str):
        beginning, raw = value[:LONGEST_READ], value.encode("utf-8", "surrogatepass")
    elif isinstance(value, bytes):
        beginning, raw = f"\\x{value[: LONGEST_READ // 2].hex()}", value
    else:
        finite = not isinstance(value, float) or math.isfinite(value)
        return Cell(value if finite else str(value), (type(value), value))
    whole = raw if len(raw) <= LONGEST_READ else hashlib.sha256(raw).digest()
    cut = len(value) > len(beginning) if isinstance(value, str) else 2 * len(raw) > LONGEST_READ
    return Cell(_shorten(beginning, mask, cut=cut), (type(value), len(raw), whole))


def _shorten(text: str, mask: Masker, *, cut: bool) -> str:
    masked = mask(text)
    return masked[:LONGEST_SHOWN] + "…" if cut or len(masked) > LONGEST_SHOWN else masked
