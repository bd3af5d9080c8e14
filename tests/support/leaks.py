"""What no line of a log may hold: every secret and every person of the tests' own data.

It shares nothing with the service's masking. It is a pytest plugin, too: a test fails that makes
the application in its process say such a thing (tests/conftest.py). `Service` looks through the
logs of the processes that it has started.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from payments.providers.samples.stripe import EMAIL
from tests.standins import localstripe, stripe_events, stripe_objects
from tests.support import deliveries

SECRETS = (
    deliveries.STRIPE_SECRET,
    deliveries.DEMO_SECRET,
    deliveries.ADMIN_TOKEN,
    localstripe.API_KEY,
    stripe_events.KEY,
    stripe_events.LIVE_KEY,
    stripe_objects.KEY,
    "3f9c1d7e5b2a4860",  # the client secret of PayPal's stand-in
)
PEOPLE = (EMAIL, "Pat Sample", *deliveries.PERSON.values())
KNOWN = (*SECRETS, *PEOPLE)
SHAPES = {
    "an e-mail address": r"[\w.+-]+@[\w-]+\.[\w.-]*[a-z]",
    "a key": r"\b(?:whsec|[srp]k_(?:test|live))_\w{6}",
    "a client secret": r"_secret_\w",
    "a signature": r"\bv[01]=[0-9a-f]{32}",
    "a token": r"(?i:\bbearer\s+[\w.~+/-]{6})|\bA21AA\w{9}|\beyJ\w{9,}\.",
    # Of letters in both cases and digits: a long text of one letter is a test's own.
    "a signature in base64": r"(?=[a-z0-9+/]{0,100}[A-Z])(?=[A-Z0-9+/]{0,100}[a-z])"
    r"(?=[A-Za-z+/]{0,100}[0-9])[A-Za-z0-9+/]{120}",
    "a password in a URL": r"://[^\s/@'\"]*:(?!\[masked\])[^\s/@'\"]+@",
}
_SHAPES = {what: re.compile(shape) for what, shape in SHAPES.items()}
_DIGITS = re.compile(r"(?<![\w.-])[3-6]\d{3}(?:[ -]?\d){9,15}(?![\w-])")
_HEX = re.compile(r"(?<![0-9a-f])[0-9a-f]{64}(?![0-9a-f])")


@dataclass(frozen=True)
class Leak:
    """What was found, in which line, and where."""

    what: str
    line: str
    where: str

    def __str__(self) -> str:
        return f"{self.where}: {self.what} in the line: {self.line.strip()[:500]}"


def leaks_in(text: str, where: str = "the log") -> list[Leak]:
    """Every line of `text` with a secret or a person in it."""
    return [Leak(what, _line_at(text, position), where) for what, position in _found(text)]


def check_logs(folder: Path) -> None:
    """Every log of the folder.

    Raises:
        AssertionError: with the lines.
    """
    leaks = [
        leak
        for file in sorted(folder.glob("*.log"))
        for leak in leaks_in(file.read_text(errors="replace"), file.name)
    ]
    assert not leaks, "\n".join(map(str, leaks))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Iterator[Any]:
    """A phase of a test that has passed fails after all for what was logged in it."""
    report = yield
    if report.passed and (leaks := leaks_in(report.capstderr, item.nodeid)):
        report.outcome = "failed"
        report.longrepr = "\n".join(["A log may not say this.", *map(str, leaks)])
    return report


def _found(text: str) -> Iterator[tuple[str, int]]:
    for known in KNOWN:
        if (position := text.find(known)) >= 0:
            yield f"{known[:3]}…, which the tests know", position
    for what, shape in _SHAPES.items():
        if match := shape.search(text):
            yield what, match.start()
    for match in _HEX.finditer(text):
        if match[0] in deliveries.SIGNATURES:
            yield "a signature that a test has made", match.start()
    for match in _DIGITS.finditer(text):
        if _checks_out(match[0]):
            yield "a card number", match.start()


def _checks_out(number: str) -> bool:
    """ISO/IEC 7812-1, the check digit, by way of a table."""
    digits = [int(it) for it in number if it.isdigit()][::-1]
    doubled = (0, 2, 4, 6, 8, 1, 3, 5, 7, 9)
    return sum(doubled[it] if n % 2 else it for n, it in enumerate(digits)) % 10 == 0


def _line_at(text: str, position: int) -> str:
    end = text.find("\n", position)
    return text[text.rfind("\n", 0, position) + 1 : end if end >= 0 else None]
