"""Who did it, and why: what every operation of an operator leaves behind."""

from __future__ import annotations

from dataclasses import dataclass

from payments.errors import InvalidQuery
from payments.storable import is_storable

LONGEST_REASON = 1000


@dataclass(frozen=True, kw_only=True)
class Actor:
    """Who does it: a name for the audit log, and the request it came with, if one did."""

    name: str
    request_id: str | None = None


def checked_reason(reason: str | None, *, needed: bool) -> str | None:
    """The reason without what surrounds it; None where there is none.

    Raises:
        InvalidQuery: it is needed and missing, or nothing that the audit log could keep.
    """
    reason = (reason or "").strip() or None
    if needed and reason is None:
        raise InvalidQuery("reason: say why.")
    if reason and (len(reason) > LONGEST_REASON or not is_storable(reason)):
        raise InvalidQuery(
            f"reason: use at most {LONGEST_REASON} characters of valid Unicode, without NUL."
        )
    return reason
