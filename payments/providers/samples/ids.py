"""Ids for made-up events: derived from the event's id, so that they are stable and distinct."""

from __future__ import annotations

import hashlib
import string
from datetime import UTC, datetime

UPPER = string.digits + string.ascii_uppercase
MIXED = string.digits + string.ascii_letters


def token(event_id: str, what: str, length: int, alphabet: str = MIXED) -> str:
    """`length` characters of `alphabet` for the `what` of `event_id`."""
    number = int.from_bytes(hashlib.sha512(f"{what}:{event_id}".encode()).digest(), "big")
    characters = []
    for _ in range(length):
        number, index = divmod(number, len(alphabet))
        characters.append(alphabet[index])
    return "".join(characters)


def zulu(moment: datetime) -> str:
    """`moment` (aware) in UTC, to the millisecond, with a Z."""
    utc = moment.astimezone(UTC)
    return utc.isoformat(timespec="milliseconds").replace("+00:00", "Z")
