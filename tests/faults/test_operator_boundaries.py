"""The process dies, or loses a connection, at each statement of what operators and recovery do."""

from __future__ import annotations

import pytest

from tests.faults.boundaries import assert_sound, each_boundary
from tests.faults.laboratory import Ended, Laboratory

ACTIONS = ("kill", "break")
# What an event is when the command comes, by the kind of event that ends so.
KINDS = {"retry": "refused", "discard": "refused", "replay": "outside"}

pytestmark = pytest.mark.timeout(300)


@pytest.mark.parametrize("action", ACTIONS)
@pytest.mark.parametrize("command", sorted(KINDS))
def test_what_an_operator_does_is_done_and_audited_or_neither_whichever_boundary_is_hit(
    laboratory: Laboratory, command: str, action: str
) -> None:
    """Then the operator looks, sees that it was not reported as done, and gives the order again."""

    def operation(at: int) -> Ended:
        event = laboratory.event(KINDS[command], seed=at)
        assert laboratory.deliver(event).result == 200
        laboratory.work()
        id = laboratory.id_of(event)
        ended = laboratory.operate(command, id, at, action)
        if ended.result != 0:
            laboratory.operate(command, id)
        assert_sound(laboratory, at, ended)
        return ended

    assert each_boundary(operation) >= 8


@pytest.mark.parametrize("action", ACTIONS)
def test_recovery_goes_on_where_it_was_ended_whichever_boundary_is_hit(
    laboratory: Laboratory, action: str
) -> None:
    """It finds two events without a job, a dead one without a failed job, and one too many."""

    def operation(at: int) -> Ended:
        kinds = ("refused", "refused", "outside", "plain")
        events = [laboratory.event(kind, seed=at) for kind in kinds]
        for event in events[:2]:
            assert laboratory.deliver(event).result == 200
        laboratory.work()
        saved = laboratory.dump_redis()
        assert laboratory.operate("discard", laboratory.id_of(events[0])).result == 0
        for event in events[2:]:
            assert laboratory.deliver(event).result == 200
        laboratory.restore_redis(saved, without=laboratory.id_of(events[1]))
        laboratory.pass_time()
        ended = laboratory.recover(at, action)
        assert_sound(laboratory, at, ended)
        return ended

    assert each_boundary(operation) >= 12
