"""Whole lives of payments fold into what the stories say, in any order and however often told."""

from __future__ import annotations

import itertools
import random
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from payments.projection.facts import LONGEST_VALUE, PARENT, STATUSES, Fact, Projection
from payments.projection.project import objects_of, project
from payments.projection.reading import read_event, read_object
from tests.support.lifecycles import TYPE_FIELDS, Lifecycle, lifecycles, random_lifecycles
from tests.support.wording import kinds

SEEDS = range(4)
LIVES = [life for p in TYPE_FIELDS for seed in SEEDS for life in lifecycles(p, seed)]
SHORT = [life for life in LIVES if len(life.events) <= 6]
LONG = [life for life in LIVES if len(life.events) > 6]
SHUFFLES = 60
# A delivery is at most so many rows: what an event states beyond links and currency.
MOST_FACTS = 16
Facts = frozenset[Fact]


def names(lives: list[Lifecycle]) -> list[str]:
    return [f"{life.provider}-{life.name}-{n}" for n, life in enumerate(lives)]


def read(life: Lifecycle) -> list[Facts]:
    field = TYPE_FIELDS[life.provider]
    return [read_event(life.provider, event[field], event).facts for event in life.events]


def bare(payment: Projection | None) -> Projection | None:
    return replace(payment, contradictions=frozenset()) if payment else None


@pytest.mark.parametrize("life", LIVES, ids=names(LIVES))
def test_a_life_comes_to_what_its_story_says(life: Lifecycle) -> None:
    payment = project(life.provider, frozenset().union(*read(life)))
    assert bare(payment) == life.expected
    assert payment
    assert kinds(payment) == life.contradictions


def test_many_lives_come_to_what_their_stories_say() -> None:
    for provider in TYPE_FIELDS:
        for life in random_lifecycles(provider, seed=11, number=300):
            assert bare(project(provider, frozenset().union(*read(life)))) == life.expected


def test_a_seed_makes_the_same_lives_again() -> None:
    for provider in TYPE_FIELDS:
        assert lifecycles(provider, 5) == lifecycles(provider, 5)
        assert lifecycles(provider, 5) != lifecycles(provider, 6)
        ids = [event["id"] for life in LIVES for event in life.events]
        assert len(ids) == len(set(ids))


@pytest.mark.parametrize("life", SHORT, ids=names(SHORT))
def test_every_order_of_a_short_life_gives_the_same_payment(life: Lifecycle) -> None:
    """Facts in the order of arrival, as storage would hand them over, each event told twice."""
    stated = read(life)
    payments = {
        project(life.provider, [fact for one in (*order, *order[::2]) for fact in sorted(one)])
        for order in itertools.permutations(stated)
    }
    assert len(payments) == 1


@pytest.mark.parametrize("life", LONG, ids=names(LONG))
def test_shuffles_of_a_long_life_give_the_same_payment(life: Lifecycle) -> None:
    stated, rng = read(life), random.Random(1)
    payments = set()
    for _ in range(SHUFFLES):
        told = [*stated, *rng.choices(stated, k=3)]
        rng.shuffle(told)
        payments.add(project(life.provider, [fact for one in told for fact in one]))
    assert len(payments) == 1


@pytest.mark.parametrize("life", LIVES, ids=names(LIVES))
def test_every_prefix_is_a_payment_whose_objects_are_linked(life: Lifecycle) -> None:
    """Whatever has come so far has a row: linked storage finds all of its facts from any object."""
    stated = read(life)
    for number in range(1, len(stated) + 1):
        facts: Facts = frozenset().union(*stated[:number])
        payment = project(life.provider, facts)
        assert payment
        assert payment.status in STATUSES
        assert payment.payment_id in objects_of(facts)
        assert component(facts, payment.payment_id) == objects_of(facts)


@pytest.mark.parametrize("life", LIVES, ids=names(LIVES))
def test_what_the_api_answers_in_the_end_is_one_more_snapshot(life: Lifecycle) -> None:
    """It changes nothing, and closes what events alone had to leave open."""
    fetched = frozenset().union(*(read_object(life.provider, o).facts for o in life.objects))
    payment = project(life.provider, frozenset().union(fetched, *read(life)))
    assert bare(payment) == life.expected
    assert payment
    assert "refunds_incomplete_after_failure" not in kinds(payment)


@pytest.mark.parametrize("life", LIVES, ids=names(LIVES))
def test_what_the_api_answers_has_the_same_amounts_by_itself(life: Lifecycle) -> None:
    fetched = frozenset().union(*(read_object(life.provider, o).facts for o in life.objects))
    alone = project(life.provider, fetched)
    # A refund from the API does not say whether it is a reversal, nor a dispute when it was read.
    same = {"reversed": "refunded"}.get(life.expected.status, life.expected.status)
    assert alone
    assert bare(alone) == replace(life.expected, status=same)


def test_a_fact_fits_into_its_row_and_an_event_states_few() -> None:
    for life in LIVES:
        for facts in read(life):
            assert 0 < len(facts) <= MOST_FACTS
            for fact in facts:
                assert len(fact.value) <= LONGEST_VALUE
                assert len(fact.kind) <= 64
                assert fact.object_id.isascii()


def test_a_succeeded_charge_states_a_handful() -> None:
    for life in LIVES:
        for event, facts in zip(life.events, read(life), strict=True):
            if event.get("type") == "charge.succeeded" and life.name == "paid":
                assert len(facts) <= 5


@given(st.data())
@settings(max_examples=150, deadline=None, derandomize=True, database=None)
def test_however_a_life_is_split_the_parts_together_make_the_same_payment(
    data: st.DataObject,
) -> None:
    life = data.draw(st.sampled_from(LIVES), label="life")
    stated = read(life)
    sides = data.draw(st.lists(st.booleans(), min_size=len(stated), max_size=len(stated)))
    some: Facts = frozenset().union(*(one for one, left in zip(stated, sides, strict=True) if left))
    rest: Facts = frozenset().union(
        *(one for one, left in zip(stated, sides, strict=True) if not left)
    )
    whole = project(life.provider, frozenset().union(*stated))
    assert project(life.provider, some | rest) == whole
    assert project(life.provider, [*rest, *some, *rest]) == whole


@given(st.data())
@settings(max_examples=150, deadline=None, derandomize=True, database=None)
def test_any_order_and_any_repetition_of_a_life_make_the_same_payment(data: st.DataObject) -> None:
    life = data.draw(st.sampled_from(LIVES), label="life")
    stated = read(life)
    again = data.draw(st.lists(st.sampled_from(stated), max_size=5), label="told again")
    order = data.draw(st.permutations([*stated, *again]), label="order")
    told = [fact for one in order for fact in one]
    assert project(life.provider, told) == project(life.provider, frozenset().union(*stated))


def component(facts: Facts, start: str) -> frozenset[str]:
    """The objects that can be reached from `start` along links, in either direction."""
    found, open_ends = {start}, [start]
    while open_ends:
        here = open_ends.pop()
        for fact in facts:
            ends = {fact.object_id, fact.value}
            if fact.kind == PARENT and here in ends and not ends <= found:
                open_ends += ends - found
                found |= ends
    return frozenset(found)
