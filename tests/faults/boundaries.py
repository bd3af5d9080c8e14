"""Doing an operation again and again, each time hit at another boundary."""

from __future__ import annotations

from collections.abc import Callable

from tests.faults.children import FAILED, Ended
from tests.faults.laboratory import Laboratory

# More than any operation has; a loop that gets here has not ended.
MOST_STEPS = 400


def each_boundary(operation: Callable[[int], Ended]) -> int:
    """Do the operation with a hit at boundary 1, 2, …, until one is done without being hit."""
    for at in range(1, MOST_STEPS):
        ended = operation(at)
        assert ended.code != FAILED, f"the child failed by itself at boundary {at}"
        if not ended.hit:
            return at - 1
    raise AssertionError(f"an operation with more than {MOST_STEPS} boundaries")


def assert_sound(laboratory: Laboratory, at: int, ended: Ended) -> None:
    """Recovery and workers have gone on, and every invariant holds."""
    laboratory.settle()
    found = laboratory.violations()
    assert not found, f"hit at boundary {at}, {ended}:\n" + "\n".join(map(str, found))
