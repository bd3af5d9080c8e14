"""The process dies, or loses a connection, at each statement boundary of intake and processing."""

from __future__ import annotations

import pytest

from tests.faults.boundaries import assert_sound, each_boundary
from tests.faults.children import Ended
from tests.faults.laboratory import Laboratory

ACTIONS = ("kill", "break")

pytestmark = pytest.mark.timeout(300)


@pytest.mark.parametrize("action", ACTIONS)
def test_intake_keeps_what_it_accepted_whichever_boundary_is_hit(
    laboratory: Laboratory, action: str
) -> None:
    """An answer counts; without one, the provider's next delivery makes one row and one effect."""

    def operation(at: int) -> Ended:
        event = laboratory.event("outside", seed=at)
        ended = laboratory.deliver(event, at, action)
        if action == "break":
            assert ended.result in (200, 503), (at, ended)
        if event.key not in laboratory.accepted:
            assert laboratory.deliver(event).result == 200
        assert_sound(laboratory, at, ended)
        return ended

    assert each_boundary(operation) >= 3


@pytest.mark.parametrize("action", ACTIONS)
def test_a_duplicate_of_unfinished_work_starts_it_again_whichever_boundary_is_hit(
    laboratory: Laboratory, action: str
) -> None:
    def operation(at: int) -> Ended:
        event = laboratory.event("outside", seed=at)
        assert laboratory.deliver(event).result == 200
        ended = laboratory.deliver(event, at, action)
        assert_sound(laboratory, at, ended)
        return ended

    assert each_boundary(operation) >= 3


@pytest.mark.parametrize(
    ("kind", "action"), [("outside", "kill"), ("outside", "break"), ("refused", "kill")]
)
def test_an_effect_happens_once_whichever_boundary_of_a_worker_is_hit(
    laboratory: Laboratory, kind: str, action: str
) -> None:
    """From the worker's first command to its last: the dequeue, three commits, and RQ's notes."""

    def operation(at: int) -> Ended:
        event = laboratory.event(kind, seed=at)
        assert laboratory.deliver(event).result == 200
        ended = laboratory.work(at, action)
        assert_sound(laboratory, at, ended)
        return ended

    assert each_boundary(operation) >= 40
