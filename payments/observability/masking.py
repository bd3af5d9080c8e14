"""Masking: what must not be seen in logs, errors and pages.

Known secrets are replaced wherever they stand; card numbers, e-mail addresses, keys, tokens,
signatures and passwords in URLs are recognised by their shape.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

MASK = "[masked]"
# Shorter ones would mask ordinary words.
SHORTEST_SECRET = 6
LONGEST_MESSAGE = 2000

_SECRET_SHAPES = (
    re.compile(r"\b(?:whsec|sk|rk|pk)_[A-Za-z0-9_]{8,}"),
    # Stripe's client secrets: whoever has one can finish the payment.
    re.compile(r"\b[a-z]+_[A-Za-z0-9_]+_secret_[A-Za-z0-9_]+"),
    re.compile(r"(?<=://)[^/\s:@]*:[^/\s@]+(?=@)"),
    re.compile(r"(?i)(?<=bearer )[A-Za-z0-9._~+/=-]+"),
    re.compile(r"(?<![A-Za-z0-9])v[01]=[0-9a-fA-F]{16,}"),
)
_EMAIL = re.compile(r"[A-Za-z0-9._%+-]+@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+")
_DIGITS = re.compile(r"(?<![\w.])\d(?:[ -]?\d){11,18}(?![\w])")


class Masker:
    """Masks text; knows the secrets of this process."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        known = sorted({s for s in secrets if len(s) >= SHORTEST_SECRET}, key=len, reverse=True)
        self._known = re.compile("|".join(map(re.escape, known))) if known else None

    def __call__(self, text: str) -> str:
        return _EMAIL.sub(MASK, self.secrets(text))

    def secrets(self, text: str) -> str:
        """Only secrets and card numbers are masked; addresses of people stay."""
        if self._known:
            text = self._known.sub(MASK, text)
        for shape in _SECRET_SHAPES:
            text = shape.sub(MASK, text)
        return _DIGITS.sub(_mask_card, text)

    def error(self, error: BaseException) -> str:
        """What `error` says, masked, in one bounded line that any database can hold."""
        try:
            said = str(error)
        except Exception:  # a user's exception may fail at this too
            said = "(the exception could not be put into words)"
        said = said.encode("utf-8", "backslashreplace").decode().replace("\x00", "\\x00")
        # Cut before masking, so that a huge message costs little, and again after it.
        return " ".join(self(said[: 2 * LONGEST_MESSAGE]).split())[:LONGEST_MESSAGE]


def _mask_card(match: re.Match[str]) -> str:
    digits = [int(character) for character in match[0] if character.isdigit()]
    return MASK if passes_luhn(digits) else match[0]


def passes_luhn(digits: list[int]) -> bool:
    """Whether the last of the digits is the check digit of the others (ISO/IEC 7812-1)."""
    doubled = [sum(divmod(2 * digit, 10)) for digit in digits[-2::-2]]
    return (sum(digits[-1::-2]) + sum(doubled)) % 10 == 0
