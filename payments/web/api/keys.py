"""Primary keys in paths."""

from __future__ import annotations

from payments.errors import NotFound


def key_of(id: str, what: str) -> int:
    """The primary key in a path; NotFound where it can be none."""
    if not id.isascii() or not id.isdigit() or len(id) > 19:
        raise NotFound(f"There is no {what} with this id.")
    return int(id)
