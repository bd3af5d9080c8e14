"""Amounts of money as facts spell them: whole minor units of ISO 4217 and a currency."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, order=True)
class Money:
    """`amount` minor units of ISO 4217 in `currency`; its text is "1250 EUR"."""

    amount: int
    currency: str

    def __str__(self) -> str:
        return f"{self.amount} {self.currency}"

    @classmethod
    def parse(cls, text: str) -> Money:
        """What `str` made; ValueError for anything else."""
        amount, currency = text.split(" ")
        return cls(int(amount), currency)


@dataclass(frozen=True)
class Unreadable:
    """Something that was to be read and cannot be: the kind of contradiction that it makes."""

    kind: str
    expected: str
    found: str
