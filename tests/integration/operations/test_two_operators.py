"""Two operators at the same event at once: one does it, the other is told why not."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from tests.integration.operations.dead_letters import Warehouse, kill, post
from tests.support.application import Application


def at_once(application: Application, *orders: tuple[str, dict[str, Any]]) -> list[dict[str, Any]]:
    """The answers to orders that are given at the same moment."""
    start = threading.Barrier(len(orders))
    answers: dict[int, dict[str, Any]] = {}

    def give(number: int, path: str, body: dict[str, Any]) -> None:
        client = Application(application.app)
        start.wait()
        answers[number] = post(client, path, body).get_json()

    threads = [threading.Thread(target=give, args=(n, *it)) for n, it in enumerate(orders)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return [answers[number] for number in range(len(orders))]


def outcomes(application: Application, id: int) -> list[str]:
    return sorted(entry["outcome"] for entry in application.event(id)["audit"])


def test_two_operators_who_retry_the_same_event_start_it_once(
    application: Application, warehouse: Warehouse
) -> None:
    [id] = kill(application)
    answers = at_once(application, *[("/dlq/retry", {"ids": [id]})] * 2)
    assert sorted(answer["done"] for answer in answers) == [0, 1]
    refused = {"event_id": id, "done": False, "outcome": "skipped: it is received, not dead"}
    assert [answer["skipped"] for answer in answers if not answer["done"]] == [[refused]]
    assert outcomes(application, id) == ["done", refused["outcome"]]
    assert application.queue.queue.count == 1
    application.work()
    assert warehouse.calls == 4


@pytest.mark.parametrize("repetition", range(3))
def test_of_a_retry_and_a_discard_only_one_is_done(
    application: Application, warehouse: Warehouse, repetition: int
) -> None:
    [id] = kill(application)
    retried, discarded = at_once(
        application,
        ("/dlq/retry", {"ids": [id]}),
        ("/dlq/discard", {"ids": [id], "reason": "a test"}),
    )
    assert retried["done"] + discarded["done"] == 1
    assert len(outcomes(application, id)) == 2
    application.work()
    wanted = "discarded" if discarded["done"] else "dead"
    assert application.event(id)["status"] == wanted


def test_two_operators_who_replay_the_same_event_are_both_told_so_and_it_ends_once(
    application: Application, warehouse: Warehouse
) -> None:
    """A replay is for every event, so the second starts it over before it has begun."""
    warehouse.broken = False
    application.deliver()
    application.work()
    [event] = application.events()
    answers = at_once(application, *[(f"/events/{event['id']}/replay", {})] * 2)
    assert [answer["done"] for answer in answers] == [1, 1]
    application.work()
    shown = application.event(event["id"])
    assert (shown["status"], shown["attempts"], warehouse.calls) == ("processed", 1, 2)
