"""What one event states, collected while it is read: facts, and what cannot be read."""

from __future__ import annotations

import itertools
import re
from collections.abc import Mapping
from typing import Any

from payments.projection.currencies import shown
from payments.projection.facts import LONGEST_VALUE, PARENT, Fact, Reading
from payments.projection.money import Money, Unreadable

# A fact of this kind is a contradiction in itself: its value is "field: expected x, found y".
CONTRADICTION = "contradiction."
# Printable ASCII. Shorter than a column, so that a value can hold an id and an amount.
IDENTIFIER = re.compile(r"[\x21-\x7e]{1,200}")
LONGEST_FIELD = 60


class Statements:
    """The facts of one event (or one fetched object) as they are found."""

    def __init__(self) -> None:
        self._facts: set[Fact] = set()

    def reading(self) -> Reading:
        return Reading(frozenset(self._facts))

    def state(self, kind: str, object_id: str, value: str) -> None:
        self._facts.add(Fact(kind, object_id, value[:LONGEST_VALUE]))

    def link(self, child: str | None, parent: str | None) -> None:
        """`child` is a part of `parent`, where both are known."""
        if child and parent and child != parent:
            self.state(PARENT, child, parent)

    def chain(self, *ids: str | None) -> None:
        """Each of `ids` is a part of the next that is known."""
        known = [one for one in ids if one]
        for child, parent in itertools.pairwise(known):
            self.link(child, parent)

    def money(
        self, kind: str, object_id: str, field: str, read: Money | Unreadable, *, least: int = 1
    ) -> None:
        """An amount of at least `least`; less is no fact at all, since amounts only grow."""
        if isinstance(read, Unreadable):
            self.odd(read.kind, object_id, field, read.expected, read.found)
        elif read.amount < 0:
            self.odd("unreadable_amount", object_id, field, "no less than 0", shown(read.amount))
        elif read.amount >= least:
            self.state(kind, object_id, str(read))

    def choice(
        self, kind: str, object_id: str, field: str, value: Any, known: Mapping[str, str]
    ) -> str | None:
        """One of the `known` words, by the word that we use for it; else an unknown status."""
        word = known.get(value) if isinstance(value, str) else None
        if word is None:
            self.odd("unknown_status", object_id, field, "a known status", shown(value))
        else:
            self.state(kind, object_id, word)
        return word

    def odd(self, kind: str, object_id: str, field: str, expected: str, found: str) -> None:
        """What the event states does not make sense in itself."""
        value = f"{field[:LONGEST_FIELD]}: expected {expected}, found {found}"
        self.state(f"{CONTRADICTION}{kind}", object_id, value)


def identifier(value: Any) -> str | None:
    """`value`, or the id of the object `value` where it is expanded, if it could be an id."""
    if isinstance(value, dict):
        value = value.get("id")
    return value if isinstance(value, str) and IDENTIFIER.fullmatch(value) else None


def objects(value: Any) -> list[dict[str, Any]]:
    """The objects in a list, or in the `data` of one of Stripe's lists; none for anything else."""
    if isinstance(value, dict):
        value = value.get("data")
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []


def seconds(value: Any) -> int:
    """A time in whole seconds since 1970 as Stripe writes it; 0 where there is none."""
    usable = isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= 10**12
    return value if usable else 0
