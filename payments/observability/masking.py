"""Masking: what must not be seen in logs, errors, spans and pages.

Known secrets are replaced wherever they stand; card numbers, e-mail addresses, keys, tokens,
signatures, cookies and passwords in URLs are recognised by their shape, or by the name beside them.

Every line passes it, also on the way of a webhook. So a line is first looked at as a whole, a shape
is looked for only in text that has a character of it, and no expression goes back over long text.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from typing import Any
from urllib.parse import quote, quote_plus

from payments.observability.cards import SHORTEST as SHORTEST_CARD
from payments.observability.cards import mask_cards
from payments.observability.kinds import Kind, kind_of
from payments.observability.personal import mask_personal

MASK = "[masked]"
# Shorter ones would mask ordinary words.
SHORTEST_SECRET = 6
LONGEST_MESSAGE = 2000
# One value of one line; what is longer is a body or a page, and nobody's to log.
LONGEST_VALUE = 20_000
DEEPEST = 8

_USERINFO = re.compile(r"(?<=://)[^\s/@\"'<>]*:[^\s\"'<>]*(?=@)")
_EMAIL = re.compile(r"(?<![\w.%+-])[\w.%+-]+@[\w-]+(?:\.[\w-]+)+")
_KEY = re.compile(
    r"(?<![A-Za-z0-9])(?:(?:whsec|sk|rk|pk)_\w{8,}|[a-z]+_[A-Za-z0-9]+_secret_[A-Za-z0-9]+)"
)
_SIGNATURE = re.compile(r"(?<![A-Za-z0-9])v[01]=[0-9a-fA-F]{16,}")
_SCHEME = re.compile(r"(?i)(?<![\w])(bearer|basic) +(?!\[masked\])[\w.~+/=-]{4,}")
# Cookies and JWTs (base64 of a JSON object, or of a compressed one), PayPal's access tokens, and
# base64 of 60 bytes or more, which has letters of both cases and digits: signatures and keys.
_BASE64 = (
    r"(?=[a-z0-9+/]{0,70}[A-Z])(?=[A-Z0-9+/]{0,70}[a-z])(?=[A-Za-z+/]{0,70}[0-9])"
    r"[A-Za-z0-9+/]{80,}={0,2}"
)
_TOKEN = re.compile(
    rf"(?<![\w+/=.-])(?:\.?e[yJ][\w-]{{8,}}(?:\.[\w-]{{4,}}){{2}}|A21AA[\w-]{{20,}}|{_BASE64})"
)
_SENSITIVE = (
    r"[\w-]*(?:authorization|password|passwd|secret|token|api[_-]?key|cookie|signature"
    r"|transmission-sig|credentials?|csrf|session)"
)
_NAMED = re.compile(
    rf"""(?i)(?<![\w-])({_SENSITIVE})(["'\]]{{0,2}}\s?[:=]\s?)"""
    r"""("(?!\[masked\]")(?:[^"\\]|\\.)*"|'(?!\[masked\]')(?:[^'\\]|\\.)*'"""
    # In prose a word follows a colon, and no token is as short as one.
    r"""|(?<==)(?!\[masked\])[^\s,;&"']+|(?<=: )[^\s,;&"']{12,})"""
)
_COOKIES = re.compile(
    r"""(?i)(?<![\w-])((?:set-)?cookie["']?: ?["']?)(?! ?["']?\[masked\])[^"'\r\n]+"""
)
_SENSITIVE_KEY = re.compile(_SENSITIVE, re.IGNORECASE)
# The first number that has as many digits as a card's.
LARGE = 10 ** (SHORTEST_CARD - 1)
# What the service's own lines say under these is looked at like any other text: a client's address,
# which secret matched, and what an exception says.
_OURS = frozenset({"address", "secret_label", "message", "notes"})
# What these hold was checked when it came, and may look like a card number by accident.
_IDS = frozenset({"event_id", "object_id", "payment_id", "trace_id", "span_id"})


class Masker:
    """Masks text; knows the secrets of this process."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        known = {it for secret in secrets for it in _spellings(secret)}
        self._known = sorted(known, key=len, reverse=True)

    def __call__(self, text: str) -> str:
        if len(text) < SHORTEST_SECRET:
            return text
        text = self._mask_shapes(text)
        return mask_cards(text, MASK) if len(text) >= SHORTEST_CARD else text

    def secrets(self, text: str) -> str:
        """Only secrets and card numbers are masked; what is of people stays."""
        return mask_cards(self._mask_secrets(text), MASK)

    def line(self, line: Mapping[str, Any]) -> Mapping[str, Any]:
        """All values of a line; the same line where nothing in it has to be masked."""
        if self._is_clean(line):
            return line
        return {key: self.value(key, value) for key, value in line.items()}

    def _is_clean(self, line: Mapping[str, Any]) -> bool:
        """Whether all values together, each on a line of its own, hold nothing: one look, not ten.

        No shape needs more than one of these lines; where one spans two, a closer look follows.
        """
        ids: list[str] = []
        others: list[str] = []
        for key, value in line.items():
            if is_hidden(key):
                return False
            if isinstance(value, str):
                (ids if key in _IDS else others).append(value)
            elif not (value is None or (isinstance(value, int | float) and value < LARGE)):
                return False
        text = "\n".join(others)
        both = "\n".join((text, *ids))
        if len(both) > LONGEST_VALUE:
            return False
        return self._mask_shapes(both) == both and mask_cards(text, MASK) == text

    def value(self, key: str, value: Any, depth: int = 0) -> Any:
        """What a line may say under `key`: masked, bounded, and of types that JSON knows."""
        if value is None or isinstance(value, bool):
            return value
        if is_hidden(key):
            return MASK
        if isinstance(value, int | float):
            return value if value < LARGE else self._number(key, value)
        if isinstance(value, str):
            if len(value) > LONGEST_VALUE:
                value = f"{value[:LONGEST_VALUE]}… ({len(value):,} characters)"
            return self._mask_shapes(value) if key in _IDS else self(value)
        if depth < DEEPEST and isinstance(value, Mapping):
            return {
                self(str(name)): self.value(str(name), below, depth + 1)
                for name, below in value.items()
            }
        if depth < DEEPEST and isinstance(value, list | tuple | set | frozenset):
            return [self.value("", below, depth + 1) for below in value]
        if isinstance(value, BaseException):
            return f"{type(value).__name__}: {self.error(value)}"
        return self.value(key, _repr(value))

    def error(self, error: BaseException) -> str:
        """What `error` says, masked, in one bounded line that any database can hold."""
        try:
            said = str(error)
        except Exception:  # a user's exception may fail at this too
            said = "(the exception could not be put into words)"
        said = said.encode("utf-8", "backslashreplace").decode().replace("\x00", "\\x00")
        # Cut before masking, so that a huge message costs little, and again after it.
        return " ".join(self(said[: 2 * LONGEST_MESSAGE]).split())[:LONGEST_MESSAGE]

    def _mask_shapes(self, text: str) -> str:
        text = self._mask_secrets(text)
        if "@" in text:
            text = _EMAIL.sub(MASK, text)
        return mask_personal(text, MASK)

    def _mask_secrets(self, text: str) -> str:
        for secret in self._known:
            if secret in text:
                text = text.replace(secret, MASK)
        if "://" in text:
            text = _USERINFO.sub(MASK, text)
        if "_" in text:
            text = _KEY.sub(MASK, text)
        if " " in text:
            text = _SCHEME.sub(rf"\1 {MASK}", text)
        if "=" in text or ":" in text:
            text = _SIGNATURE.sub(MASK, text)
            text = _COOKIES.sub(rf"\1{MASK}", text)
            text = _NAMED.sub(rf"\1\2{MASK}", text)
        return _TOKEN.sub(MASK, text)

    def _number(self, key: str, value: float) -> float | str:
        text = str(value)
        return value if key in _IDS or self(text) == text else MASK


@lru_cache(maxsize=1024)
def is_hidden(key: str) -> bool:
    """Whether what stands under this key is masked, whatever it is."""
    if key in _OURS:
        return False
    return _SENSITIVE_KEY.fullmatch(key) is not None or kind_of(key, Kind.PLAIN) is not Kind.PLAIN


def _spellings(secret: str) -> Iterator[str]:
    """As it is configured, in a URL, in a form, in JSON, and in Python's repr."""
    if len(secret) >= SHORTEST_SECRET:
        yield from (secret, quote(secret, safe=""), quote_plus(secret))
        yield from (json.dumps(secret)[1:-1], repr(secret)[1:-1])


def _repr(value: object) -> str:
    try:
        return repr(value)
    except Exception:  # a user's object may fail at this too
        return f"(a {type(value).__name__} that could not be put into words)"
