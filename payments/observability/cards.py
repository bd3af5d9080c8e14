"""Card numbers in text: by their first digits, their length, their grouping and their check digit.

One number in ten passes Luhn by accident, so the rest has to fit as well. Source: ISO/IEC 7812-1,
and the ranges that the networks publish.
"""

from __future__ import annotations

import re

SHORTEST = 13
# Printed in groups, or in one piece. Not inside of a word, a decimal number or an id with dashes.
_SEPARATED = "|".join(
    r"[ .\u00a0-]".join(rf"\d{{{length}}}" for length in groups)
    for groups in ((4, 4, 4, 4, 3), (4, 4, 4, 4), (4, 6, 5), (4, 6, 4))
)
_CANDIDATE = re.compile(rf"(?<![\w.])(?:\d{{13,19}}|{_SEPARATED})(?!\w|[.-]\w)")
_NOT_DIGITS = re.compile(r"\D")
# First digits (from, to) and the lengths that go with them.
_NETWORKS = (
    ("4", "4", (13, 16, 19)),  # Visa
    ("51", "55", (16,)),  # Mastercard
    ("2221", "2720", (16,)),
    ("34", "34", (15,)),  # American Express
    ("37", "37", (15,)),
    ("300", "305", (14, 16, 19)),  # Diners Club
    ("36", "36", (14, 16, 19)),
    ("38", "39", (14, 16, 19)),
    ("3528", "3589", (16, 17, 18, 19)),  # JCB
    ("50", "50", (16, 17, 18, 19)),  # Maestro
    ("56", "69", (16, 17, 18, 19)),  # Maestro, Discover, UnionPay
    ("81", "81", (16, 17, 18, 19)),  # UnionPay
)


def mask_cards(text: str, mask: str) -> str:
    """`text` with `mask` in the place of each card number."""

    def masked(match: re.Match[str]) -> str:
        return mask if is_card(_NOT_DIGITS.sub("", match[0])) else match[0]

    return _CANDIDATE.sub(masked, text)


def is_card(digits: str) -> bool:
    """Whether a network could have issued the number."""
    return any(
        low <= digits[: len(low)] <= high and len(digits) in lengths
        for low, high, lengths in _NETWORKS
    ) and passes_luhn([int(digit) for digit in digits])


def passes_luhn(digits: list[int]) -> bool:
    """Whether the last of the digits is the check digit of the others (ISO/IEC 7812-1)."""
    doubled = [sum(divmod(2 * digit, 10)) for digit in digits[-2::-2]]
    return (sum(digits[-1::-2]) + sum(doubled)) % 10 == 0
