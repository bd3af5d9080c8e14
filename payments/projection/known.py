"""All that is known of one payment's objects: its facts, by kind and object."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable

from payments.projection.facts import PARENT, Fact
from payments.projection.money import Money


class Known:
    """Facts as a mapping of kind and object to values. What it answers has no order of arrival."""

    def __init__(self, facts: Collection[Fact]) -> None:
        self._values: dict[str, dict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
        for fact in facts:
            self._values[fact.kind][fact.object_id].add(fact.value)
        self._children: dict[str, set[str]] = defaultdict(set)
        for child, parents in self._values[PARENT].items():
            for parent in parents:
                self._children[parent].add(child)

    @property
    def kinds(self) -> list[str]:
        return sorted(self._values)

    def objects(self, *kinds: str) -> list[str]:
        """The ids that facts of any of these kinds are about, sorted."""
        return sorted({one for kind in kinds if kind in self._values for one in self._values[kind]})

    def values(self, kind: str, object_id: str) -> list[str]:
        """What facts of this kind say of an object, sorted."""
        return sorted(self._values[kind][object_id]) if self.has(kind, object_id) else []

    def has(self, kind: str, object_id: str) -> bool:
        return kind in self._values and object_id in self._values[kind]

    def moneys(self, kind: str, object_id: str) -> list[Money]:
        return sorted(Money.parse(value) for value in self.values(kind, object_id))

    def most(self, kind: str, object_id: str, currency: str | None) -> int:
        """The largest amount in `currency`, 0 where there is none."""
        amounts = [m.amount for m in self.moneys(kind, object_id) if m.currency == currency]
        return max(amounts, default=0)

    def currencies(self, kinds: Iterable[str]) -> list[str]:
        """The currencies of all amounts of these kinds, sorted."""
        found = {
            money.currency
            for kind in kinds
            for object_id in self.objects(kind)
            for money in self.moneys(kind, object_id)
        }
        return sorted(found)

    def currencies_of(self, kind: str, object_id: str) -> list[str]:
        return sorted({money.currency for money in self.moneys(kind, object_id)})

    def parents(self, object_id: str) -> list[str]:
        return self.values(PARENT, object_id)

    def nearest_parents(self, object_id: str) -> list[str]:
        """The parents that are not above another one of them."""
        parents = self.parents(object_id)
        above = {one for parent in parents for one in self.ancestors(parent) if one != parent}
        return [parent for parent in parents if parent not in above]

    def children(self, object_id: str) -> list[str]:
        return sorted(self._children.get(object_id, ()))

    def ancestors(self, object_id: str) -> set[str]:
        """The parents, theirs, and so on; also where links run in a circle."""
        found: set[str] = set()
        open_ends = [object_id]
        while open_ends:
            for parent in self.parents(open_ends.pop()):
                if parent not in found:
                    found.add(parent)
                    open_ends.append(parent)
        return found
