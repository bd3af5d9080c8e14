"""Which facts belong together, and what they come to. Pure functions."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from payments.ledger.statements import Account, Causes
from payments.projection.facts import PARENT, Contradiction, Fact, Projection
from payments.projection.project import objects_of, project


@dataclass
class Group:
    """Facts whose objects are linked.

    Attributes:
        projection: the payment that they are; None where they are links and nothing else.
        id: the group's primary key, once it has one.
    """

    causes: Causes
    objects: frozenset[str]
    projection: Projection | None
    id: int = 0

    @classmethod
    def of(cls, account: Account, causes: Causes) -> Group:
        facts = frozenset(causes)
        return cls(causes, frozenset(objects_of(facts)), project(account.provider, facts))

    @property
    def contradictions(self) -> frozenset[Contradiction]:
        return self.projection.contradictions if self.projection else frozenset()


def divide(facts: Iterable[Fact]) -> list[frozenset[Fact]]:
    """The facts, in groups whose objects no `PARENT` links; in the order of their first object."""
    leaders: dict[str, str] = {}

    def leader_of(object_id: str) -> str:
        passed = []
        while (above := leaders.setdefault(object_id, object_id)) != object_id:
            passed.append(object_id)
            object_id = above
        leaders.update(dict.fromkeys(passed, object_id))
        return object_id

    ordered = sorted(facts)
    for fact in ordered:
        if fact.kind == PARENT:
            first, other = sorted((leader_of(fact.object_id), leader_of(fact.value)))
            leaders[other] = first
    groups: dict[str, set[Fact]] = defaultdict(set)
    for fact in ordered:
        groups[leader_of(fact.object_id)].add(fact)
    return [frozenset(groups[leader]) for leader in sorted(groups)]
