"""Whatever is in an event or an object, it is read and folded: never an exception."""

from __future__ import annotations

import copy
import json
import random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from payments.projection.facts import LONGEST_VALUE, STATUSES, Fact
from payments.projection.project import objects_of, project
from payments.projection.reading import read_event, read_object
from tests.support.lifecycles import TYPE_FIELDS, lifecycles

TYPES = sorted(
    {t for provider in TYPE_FIELDS for life in lifecycles(provider) for t in life.types()}
    | {"charge.", "refund.x", "CUSTOMER.DISPUTE.", "RISK.DISPUTE.CREATED", "", "💶", "charge.\n"}
)
ODD: list[Any] = [
    None,
    True,
    False,
    0,
    -1,
    1.5,
    10**400,
    float("inf"),
    "",
    " ",
    "\x00",
    "\ud800",
    "x" * 300,
    "9" * 300,
    "-0.00",
    "1e999999",
    "NaN",
    "ch_1 with spaces",
    "failed",
    "usd",
    [],
    {},
    [None],
    [[[[]]]],
    {"id": {"id": "x"}},
    {"data": [{"id": 7}]},
    {"value": "1.00", "currency_code": "EUR"},
]
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=8,
)
SEED = 20


def check(provider: str, facts: frozenset[Fact]) -> None:
    """What storage and the tables need of anything that comes out."""
    for fact in facts:
        assert 0 < len(fact.value) <= LONGEST_VALUE
        assert 0 < len(fact.object_id) <= 255
        assert fact.object_id.isascii()
        assert fact.object_id.isprintable()
        fact.value.encode()
    payment = project(provider, facts)
    if facts:
        assert payment
        assert payment.status in STATUSES
        assert payment.payment_id in objects_of(facts)
        sums = ("authorized", "captured", "refunded", "disputed")
        assert all(0 <= getattr(payment, f"amount_{one}") < 2**63 for one in sums)
        for one in payment.contradictions:
            (one.detail + (one.expected or "") + (one.found or "")).encode()


@pytest.mark.parametrize("provider", sorted(TYPE_FIELDS))
def test_real_events_with_anything_in_any_place_are_read_and_folded(provider: str) -> None:
    rng = random.Random(SEED)
    for life in lifecycles(provider, SEED):
        for event in life.events:
            for _ in range(60):
                mutated = mutate(copy.deepcopy(event), rng, rng.randint(1, 4))
                check(provider, read_event(provider, event[TYPE_FIELDS[provider]], mutated).facts)
                check(provider, read_event(provider, rng.choice(TYPES), mutated).facts)


@pytest.mark.parametrize("provider", sorted(TYPE_FIELDS))
def test_fetched_objects_with_anything_in_any_place_are_read_and_folded(provider: str) -> None:
    rng = random.Random(SEED)
    for life in lifecycles(provider, SEED):
        for item in life.objects:
            for _ in range(60):
                mutated = mutate(copy.deepcopy(item), rng, rng.randint(1, 4))
                check(provider, read_object(provider, mutated).facts)


@pytest.mark.parametrize("provider", sorted(TYPE_FIELDS))
def test_what_mutated_events_of_one_payment_state_folds_together(provider: str) -> None:
    rng = random.Random(SEED)
    for life in lifecycles(provider, SEED):
        for _ in range(30):
            facts: set[Fact] = set()
            for event in life.events:
                mutated = mutate(copy.deepcopy(event), rng, 2)
                facts |= read_event(provider, event[TYPE_FIELDS[provider]], mutated).facts
            check(provider, frozenset(facts))


@given(provider=st.sampled_from(sorted(TYPE_FIELDS)), event_type=st.sampled_from(TYPES), data=JSON)
@settings(max_examples=300, deadline=None, derandomize=True, database=None)
def test_any_json_at_all_is_read_and_folded(provider: str, event_type: str, data: Any) -> None:
    for event in ({"data": {"object": data}, "resource": data}, data):
        if isinstance(event, dict):
            check(provider, read_event(provider, event_type, event).facts)
            check(provider, read_object(provider, event).facts)


def test_an_amount_of_thousands_of_digits_is_a_finding() -> None:
    item = {"id": "ch_1", "object": "charge", "status": "succeeded", "currency": "usd"}
    event = json.loads(json.dumps({"data": {"object": {**item, "amount": 10**4000}}}))
    payment = project("stripe", read_event("stripe", "charge.succeeded", event).facts)
    assert payment
    assert "unreadable_amount" in {one.kind for one in payment.contradictions}


def mutate(value: Any, rng: random.Random, times: int) -> Any:
    """`value` with something odd in `times` random places."""
    for _ in range(times):
        place = rng.choice(places(value))
        container, key = place
        if rng.random() < 0.15 and isinstance(container, dict):
            del container[key]
        else:
            container[key] = copy.deepcopy(rng.choice(ODD))
        if not places(value):
            break
    return value


def places(value: Any) -> list[tuple[Any, Any]]:
    """Every container in `value`, with each key or index in it."""
    found: list[tuple[Any, Any]] = []
    items = value.items() if isinstance(value, dict) else enumerate(value)
    for key, inner in items:
        found.append((value, key))
        if isinstance(inner, (dict, list)):
            found += places(inner)
    return found
