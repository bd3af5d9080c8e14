"""Texts without what differs from one failure to the next: ids, numbers, amounts, quoted values."""

from __future__ import annotations

import re
from collections.abc import Callable

Mask = Callable[[str], str]

LONGEST_READ = 2000
LONGEST_TEXT = 200
LONGEST_NAME = 100
A_VALUE = "…"

_QUOTED = re.compile(r"'[^']*'|\"[^\"]*\"|`[^`]*`|«[^»]*»")
_ADDRESS = re.compile(r"\b[A-Za-z][A-Za-z0-9+.-]*://\S+|\S+@\S+|(?<!\w)(?:/[\w.-]+){2,}")
# An id: letters and digits mixed, or behind a prefix letters in both cases, or a very long word.
_WITH_DIGITS = re.compile(r"[\w-]*\d[\w-]*")
_PREFIXED = re.compile(r"\b[a-z]+(?:_[a-z]+)*_(?=\w*[A-Z])[A-Za-z]{8,}\b")
_LONG_WORD = re.compile(r"\b[A-Za-z_-]{40,}\b")
_NUMBERS = re.compile(r"[€$£¥]?\s?[+-]?#(?:[.,:/#\s]*#)*(?:\s?(?:[A-Z]{3}\b|[€$£¥%]))?")
_FIELD = re.compile(r"[A-Za-z_@$][A-Za-z0-9_.\-\[\]]{0,63}")
_ID_IN_FIELD = re.compile(r"\d{3}|(?=.*\d)(?=.*[A-Z])(?=.*[a-z])")


def printable(text: str, longest: int) -> str:
    """One bounded line that any database can hold."""
    text = text[:LONGEST_READ].encode("utf-8", "replace").decode()
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())[:longest]


def in_general(text: str, mask: Mask) -> str:
    """What `text` says in general: masked, with its particulars replaced.

    Two messages that differ in ids, numbers, amounts, addresses and quoted values become equal.
    """
    text = mask(printable(text, LONGEST_READ))
    text = _QUOTED.sub(f"'{A_VALUE}'", text)
    text = _ADDRESS.sub("#", text)
    text = _PREFIXED.sub("#", _WITH_DIGITS.sub("#", text))
    text = _LONG_WORD.sub("#", text)
    text = _NUMBERS.sub(" # ", text)
    return printable(text, LONGEST_TEXT)


def field_name(value: object, mask: Mask) -> str | None:
    """`value` where it is the name of a field; "…" where it may be what an event says."""
    if not isinstance(value, str):
        return None
    value = printable(value, LONGEST_NAME)
    is_name = _FIELD.fullmatch(value) and not _ID_IN_FIELD.search(value)
    return value if is_name and not _PREFIXED.search(value) and mask(value) == value else A_VALUE


def type_name(error: BaseException) -> str:
    return printable(type(error).__name__, LONGEST_NAME)
