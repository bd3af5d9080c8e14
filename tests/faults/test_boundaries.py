"""The process dies, or loses a connection, at each statement boundary of intake and processing."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from payments import database
from tests.faults.laboratory import FAILED, Ended, Laboratory

ACTIONS = ("kill", "break")
# More than any operation has; a loop that gets here has not ended.
MOST_STEPS = 400

pytestmark = pytest.mark.timeout(300)


@pytest.fixture
def laboratory(database_url: str, redis_url: str, tmp_path: Path) -> Iterator[Laboratory]:
    made = Laboratory(database_url, redis_url, tmp_path)
    yield made
    made.close()


@pytest.fixture
def slow_laboratory(
    database_url: str, redis_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Laboratory]:
    """Retries wait for long, and nobody waits for a lock whose holder stands still."""
    monkeypatch.setattr(database, "LOCK_WAIT_SECONDS", 0.2)
    monkeypatch.setattr(database, "SQLITE_BUSY_SECONDS", 0.2)
    patience = {"RETRY_BASE_SECONDS": "3000", "RETRY_CAP_SECONDS": "3000"}
    made = Laboratory(database_url, redis_url, tmp_path, **patience)
    yield made
    made.close()


def each_boundary(operation: Callable[[int], Ended]) -> int:
    """Do the operation with a hit at boundary 1, 2, …, until one is done without being hit."""
    for at in range(1, MOST_STEPS):
        ended = operation(at)
        assert ended.code != FAILED, f"the child failed by itself at boundary {at}"
        if not ended.hit:
            return at - 1
    raise AssertionError(f"an operation with more than {MOST_STEPS} boundaries")


def assert_sound(laboratory: Laboratory, at: int, ended: Ended) -> None:
    found = laboratory.violations()
    assert not found, f"hit at boundary {at}, {ended}:\n" + "\n".join(map(str, found))


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
        laboratory.settle()
        assert_sound(laboratory, at, ended)
        return ended

    assert each_boundary(operation) >= 8


@pytest.mark.parametrize("action", ACTIONS)
def test_a_duplicate_of_unfinished_work_starts_it_again_whichever_boundary_is_hit(
    laboratory: Laboratory, action: str
) -> None:
    def operation(at: int) -> Ended:
        event = laboratory.event("outside", seed=at)
        assert laboratory.deliver(event).result == 200
        ended = laboratory.deliver(event, at, action)
        laboratory.settle()
        assert_sound(laboratory, at, ended)
        return ended

    assert each_boundary(operation) >= 5


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
        laboratory.settle()
        assert_sound(laboratory, at, ended)
        return ended

    assert each_boundary(operation) >= 30


def test_a_worker_that_stands_still_at_any_statement_does_not_undo_what_others_did(
    slow_laboratory: Laboratory,
) -> None:
    """Meanwhile an hour passes, and another worker makes an attempt of its own, which fails."""

    def operation(at: int) -> Ended:
        laboratory = slow_laboratory
        event = laboratory.event("once_flaky", seed=at)
        assert laboratory.deliver(event).result == 200
        ended = laboratory.work(at, "stop")
        laboratory.settle()
        assert_sound(laboratory, at, ended)
        return ended

    assert each_boundary(operation) >= 10
