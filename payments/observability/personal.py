"""Names, addresses and the like in text: by the key beside them, or because a payload names them.

Text that somebody else wrote, such as an exception's, says "Jane Doe" without a key. So while an
attempt is under way its payload is remembered, and what is personal in it is masked in every line.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextvars import ContextVar
from functools import cached_property

from payments.observability.kinds import FREE_TEXT, Kind, kind_of, words_of

# A piece of JSON, or of what Python's repr makes of it.
_IN_TEXT = re.compile(r"""(["'])([\w -]{2,40})\1(\s?:\s?)(?:"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')""")
NAMES = {"name", "names", "surname"}
SHORTEST_TEXT = 3
# Shorter numbers would mask amounts, years and ids.
SHORTEST_NUMBER = 5
# Of a payload that has more, which no provider's has, only these.
MOST_VALUES = 500


def mask_personal(text: str, mask: str) -> str:
    """`text` without what stands beside personal keys in it, or in the payload in hand."""
    if "':" in text or '":' in text:
        text = _IN_TEXT.sub(lambda pair: _masked_pair(pair, mask), text)
    payload = _in_hand.get()
    return payload.mask(text, mask) if payload else text


def _masked_pair(pair: re.Match[str], mask: str) -> str:
    quote, key, colon = pair.groups()
    if kind_of(key, Kind.PLAIN) is Kind.PLAIN:
        return pair[0]
    around = pair[0][-1]
    return f"{quote}{key}{quote}{colon}{around}{mask}{around}"


def remember(body: bytes) -> None:
    """From now on, until `forget`, this thread's lines may quote this payload."""
    _in_hand.set(_Payload(body))


def forget() -> None:
    _in_hand.set(None)


class _Payload:
    """A payload; read when the first line has to be masked, which most attempts do not come to."""

    def __init__(self, body: bytes) -> None:
        self._body = body

    def mask(self, text: str, mask: str) -> str:
        return self._pattern.sub(mask, text) if self._pattern else text

    @cached_property
    def _pattern(self) -> re.Pattern[str] | None:
        whole, parts = _values_and_parts(self._body)
        # The longest first, so that a whole is masked before its part.
        alternatives = [f"(?i:{re.escape(it)})" for it in sorted(whole, key=len, reverse=True)]
        # "Will" and "May" are words as well, so a part of a name has to be written as there.
        alternatives += [re.escape(part) for part in sorted(parts, key=len, reverse=True)]
        if not alternatives:
            return None
        return re.compile(rf"(?<!\w)(?:{'|'.join(alternatives)})(?!\w)")


def _values_and_parts(body: bytes) -> tuple[set[str], set[str]]:
    """What is personal in a payload, and of names each word."""
    whole: set[str] = set()
    parts: set[str] = set()
    for value, is_name in _values(_parsed(body), Kind.PLAIN):
        whole.add(value)
        if is_name:
            parts.update(part for part in value.split() if _is_telling(part))
        if len(whole) == MOST_VALUES:
            break
    return whole, parts


def _parsed(body: bytes) -> object:
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return None


def _values(
    found: object, kind: Kind, key: str = "", free: bool = False
) -> Iterator[tuple[str, bool]]:
    """Each personal text, and whether it is a name. Of what people write freely, one word alone
    tells nothing, and would mask that word everywhere."""
    if isinstance(found, dict):
        for name, below in found.items():
            freely = free or bool(FREE_TEXT & set(words_of(name)))
            yield from _values(below, kind_of(name, kind), name, freely)
    elif isinstance(found, list):
        for below in found:
            yield from _values(below, kind, key, free)
    elif isinstance(found, str) and kind is not Kind.PLAIN:
        value = found.strip()
        if _is_telling(value) and (not free or " " in value):
            yield value, bool(NAMES & set(words_of(key)))


def _is_telling(value: str) -> bool:
    return len(value) >= (SHORTEST_NUMBER if value.isdigit() else SHORTEST_TEXT)


_in_hand: ContextVar[_Payload | None] = ContextVar("payload_in_hand", default=None)
