"""A Redis that hangs, is away or is full costs a delivery at most 300 ms, and never the event."""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator

import pytest
from redis.exceptions import RedisError

from payments.breaker import Breaker
from payments.errors import QueueUnavailable
from payments.recovery import enqueue_stranded
from tests.support.application import MakeApplication
from tests.support.servers import Valkey, free_port
from tests.support.waiting import eventually

BOUND_SECONDS = 0.3


@pytest.fixture
def own_valkey() -> Iterator[Valkey]:
    server = Valkey(port=free_port())
    server.start()
    yield server
    server.close()


def timed_delivery(application: object) -> tuple[int, float]:
    started = time.perf_counter()
    response = application.deliver()  # type: ignore[attr-defined]
    return response.status_code, time.perf_counter() - started


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_hung_redis_costs_one_delivery_its_bound_and_the_next_ones_nothing(
    make_application: MakeApplication, own_valkey: Valkey
) -> None:
    application = make_application(patient=False, REDIS_URL=own_valkey.url)
    assert timed_delivery(application)[0] == 200
    own_valkey.signal(signal.SIGSTOP)
    try:
        status, first = timed_delivery(application)
        assert (status, first < BOUND_SECONDS) == (200, True), first
        assert application.queue.breaker.is_open
        # While the breaker is open, nothing talks to Redis at all: the deliveries all together
        # take less than one time-out would.
        rest = [timed_delivery(application) for _ in range(5)]
        assert all(status == 200 for status, _ in rest)
        assert sum(seconds for _, seconds in rest) < BOUND_SECONDS
    finally:
        own_valkey.signal(signal.SIGCONT)
    assert len(application.events()) == 7


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_redis_that_is_away_or_full_loses_no_event_and_recovery_enqueues_it(
    make_application: MakeApplication, own_valkey: Valkey
) -> None:
    application = make_application(patient=False, REDIS_URL=own_valkey.url)
    own_valkey.client.config_set("maxmemory", "1")
    assert application.deliver().status_code == 200
    own_valkey.client.config_set("maxmemory", "0")
    own_valkey.kill()
    assert application.deliver().status_code == 200
    own_valkey.start()
    assert application.queue.queue.count == 0

    def recovered() -> bool:
        # The breaker lets the first caller through again after a few seconds.
        application.sql("UPDATE events SET next_attempt_at = '2020-01-01 00:00:00.000000'")
        try:
            with application.app.app_context():
                return enqueue_stranded(application.queue) == 2
        except (RedisError, QueueUnavailable):
            return False

    eventually(recovered, "recovery enqueues both events", 15)
    application.work()
    assert {event["status"] for event in application.events()} == {"processed"}


def test_the_breaker_lets_one_caller_at_a_time_probe() -> None:
    now = [0.0]
    breaker = Breaker(5.0, clock=lambda: now[0])
    assert breaker.allows()
    breaker.failed()
    assert breaker.is_open
    assert not breaker.allows()
    now[0] = 5.0
    assert [breaker.allows() for _ in range(3)] == [True, False, False]
    breaker.succeeded()
    assert breaker.allows()
    assert not breaker.is_open
