"""A JSON tree for people, without what they need not see: persons, card numbers and secrets.

Ids, amounts, times and states stay. What a value is follows from its key, and from its shape; what
a merchant or a buyer wrote freely counts as personal. Masking happens before anything is rendered,
so that hidden values reach no page, no log and no client.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import Any

from payments.observability.cards import passes_luhn
from payments.observability.kinds import Kind, kind_of
from payments.observability.masking import MASK, Masker
from payments.storable import made_storable

PHONE = re.compile(r"(?<![\w+])\+\d[\d ()./-]{6,18}\d(?!\w)")
LINK = re.compile(r"(?i)\bhttps?://\S+")
CHECKOUT = re.compile(r"(?i)\bhttps?://(?:checkout|buy|billing|invoice|pay)\.\S+")
# A card number has 13 to 19 digits and begins so; times in milliseconds begin with 1.
CARD_NUMBER = range(2 * 10**12, 7 * 10**18)


@dataclass
class MaskedTree:
    """A tree that may be shown, and how many of its values are masked."""

    tree: Any
    masked: int


def masked_tree(value: Any, mask: Masker, *, reveal: bool = False) -> MaskedTree:
    """`value`, as `json.loads` gives it, without what must not be seen.

    With `reveal` personal data is shown. Card numbers and secrets never are.
    """
    masking = _Masking(mask, Kind.SECRET if reveal else Kind.PERSONAL)
    tree = masking.shown(value, Kind.PLAIN)
    return MaskedTree(tree, masking.masked)


class _Masking:
    def __init__(self, mask: Masker, hidden_from: Kind) -> None:
        self._mask = mask
        self._hidden_from = hidden_from
        self.masked = 0

    def shown(self, value: Any, kind: Kind) -> Any:
        if isinstance(value, dict):
            return self._object(value, kind)
        if isinstance(value, list):
            return [self.shown(item, kind) for item in value]
        if value is None or isinstance(value, bool):
            return value
        shown = MASK if self._hides(kind) else self._plain(value)
        self.masked += shown != value
        return shown

    def _object(self, value: dict[str, Any], kind: Kind) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for key, item in value.items():
            found[self._key(key, found)] = self.shown(item, kind_of(key, kind))
        return found

    def _key(self, key: str, taken: dict[str, Any]) -> str:
        """A key is text like any other; two that are masked stay two."""
        shown = made_storable(self._text(key))
        return shown if shown not in taken else f"{shown} ({len(taken) + 1})"

    def _hides(self, kind: Kind) -> bool:
        return kind.value >= self._hidden_from.value

    def _plain(self, value: Any) -> Any:
        if isinstance(value, str):
            return made_storable(self._text(value))
        if isinstance(value, int) and value in CARD_NUMBER:
            return MASK if passes_luhn([int(digit) for digit in str(value)]) else value
        # What json.loads makes of 1e999 has no form in JSON.
        return value if not isinstance(value, float) or math.isfinite(value) else str(value)

    def _text(self, text: str) -> str:
        """Links keep what stands before their query, which may open what it leads to."""
        if self._hides(Kind.PERSONAL):
            text = PHONE.sub(MASK, CHECKOUT.sub(MASK, text))
            text = self._mask(text)
        else:
            text = self._mask.secrets(text)
        return LINK.sub(lambda link: _without_query(link[0]), text)


def _without_query(link: str) -> str:
    address, mark, _ = link.partition("?")
    return f"{address}?{MASK}" if mark else address
