"""Text that both databases can hold: PostgreSQL knows no NUL, and UTF-8 no lone surrogate."""

from __future__ import annotations

import re

UNSTORABLE = re.compile("[\x00\ud800-\udfff]")


def is_storable(text: str) -> bool:
    """Whether both databases can hold it."""
    return UNSTORABLE.search(text) is None


def made_storable(text: str) -> str:
    """The text with a replacement character for each that they cannot hold."""
    return UNSTORABLE.sub("\ufffd", text)
