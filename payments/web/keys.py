"""Primary keys in paths and forms."""

from __future__ import annotations

from payments.errors import NotFound
from payments.pages import MAX_ID


def is_key(text: str) -> bool:
    """Whether it may be a primary key: ASCII digits of a number that a column can hold."""
    return text.isascii() and text.isdigit() and len(text) <= 19 and int(text) <= MAX_ID


def key_of(text: str, what: str) -> int:
    """The primary key in a path or a form; `what` is what it would be one of.

    Raises:
        NotFound: it can be none.
    """
    if not is_key(text):
        raise NotFound(f"There is no {what} with this id.")
    return int(text)
