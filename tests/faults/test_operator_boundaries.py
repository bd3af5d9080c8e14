"""The process dies, or loses a connection, at each statement of what operators and recovery do."""

from __future__ import annotations

import pytest

from tests.faults.boundaries import assert_sound, each_boundary
from tests.faults.children import Ended
from tests.faults.contents import keys_of, put_keys_back
from tests.faults.laboratory import Laboratory, Saved

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

    event = laboratory.event(KINDS[command])
    assert laboratory.deliver(event).result == 200
    laboratory.work()
    id, ended_once = laboratory.id_of(event), laboratory.save()

    def operation(at: int) -> Ended:
        laboratory.restore(ended_once)
        ended = laboratory.operate(command, id, at, action)
        if ended.result != 0:
            laboratory.operate(command, id)
        assert_sound(laboratory, at, ended)
        return ended

    assert each_boundary(operation) >= 8


def with_a_forgetful_redis(laboratory: Laboratory) -> Saved:
    """Two events are dead, one is given up, two more arrive; Redis is restored from before that."""
    events = [laboratory.event(kind) for kind in ("refused", "refused", "outside", "plain")]
    for event in events[:2]:
        assert laboratory.deliver(event).result == 200
    laboratory.work()
    keys = keys_of(laboratory.redis)
    given_up, dead = (laboratory.id_of(event) for event in events[:2])
    assert laboratory.operate("discard", given_up).result == 0
    for event in events[2:]:
        assert laboratory.deliver(event).result == 200
    put_keys_back(laboratory.redis, keys)
    laboratory.lose_failed_job(dead)
    laboratory.pass_time()
    return laboratory.save()


@pytest.mark.parametrize("action", ACTIONS)
def test_recovery_goes_on_where_it_was_ended_whichever_boundary_is_hit(
    laboratory: Laboratory, action: str
) -> None:
    """It finds two events without a job, a dead one without a failed job, and one too many."""

    forgetful = with_a_forgetful_redis(laboratory)

    def operation(at: int) -> Ended:
        laboratory.restore(forgetful)
        ended = laboratory.recover(at, action)
        assert_sound(laboratory, at, ended)
        return ended

    assert each_boundary(operation) >= 12
