"""Ports, configuration, and what `make run` refuses to start."""

from __future__ import annotations

import os
import socket
import sys
from contextlib import ExitStack, closing

import pytest

from payments.local.ports import PORTS
from tests.e2e.make_run.running import (
    READY_SECONDS,
    Start,
    is_free,
)
from tests.support.processes import is_running, processes_of
from tests.support.servers import free_port

pytestmark = [
    pytest.mark.skipif(not sys.platform.startswith("linux"), reason="looks into /proc"),
    pytest.mark.timeout(180),
]


def test_a_named_port_that_is_busy_is_an_error(start: Start) -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as server:
        port = server.getsockname()[1]
        running = start(APP_PORT=str(port))
        assert running.process.wait(READY_SECONDS) == 1
    running.end()
    assert f"APP_PORT: {port} is busy" in running.output
    assert processes_of(running.folder) == {}


def test_a_named_port_is_used(start: Start) -> None:
    port = free_port()
    assert start(APP_PORT=str(port)).port == port


def test_all_ports_busy_is_an_error_that_says_what_to_set(start: Start) -> None:
    with ExitStack() as stack:
        for port in PORTS:
            if is_free(port):
                stack.enter_context(closing(socket.create_server(("127.0.0.1", port))))
        running = start()
        assert running.process.wait(READY_SECONDS) == 1
    running.end()
    assert "All ports from 8065 to 8099 are busy" in running.output
    assert "Set APP_PORT" in running.output


def test_a_wrong_configuration_is_listed_and_nothing_is_started(start: Start) -> None:
    running = start(LOG_LEVEL="loud", RETRY_MAX_ATTEMPTS="many")
    assert running.process.wait(READY_SECONDS) == 2
    running.end()
    assert "LOG_LEVEL" in running.output
    assert "RETRY_MAX_ATTEMPTS" in running.output
    assert not (running.folder / "var").exists()


def test_in_production_nothing_is_made_up(start: Start) -> None:
    running = start(APP_ENV="prod")
    assert running.process.wait(READY_SECONDS) == 2
    running.end()
    assert "ADMIN_TOKEN: is not set" in running.output
    assert "SESSION_SECRET: is not set" in running.output
    assert not (running.folder / ".env").exists()


def test_a_token_of_the_environment_is_the_one_that_is_printed(start: Start) -> None:
    token = "a-token-of-the-environment-0123456789"
    running = start(ADMIN_TOKEN=token)
    assert running.banner("Admin token") == token
    assert running.events() == []
    assert token not in (running.folder / ".env").read_text()


def test_the_number_of_workers_can_be_set(start: Start) -> None:
    running = start(WORKER_COUNT="1")
    running.banner("Stop")
    leaders = [p for p in running.find("jobs.worker") if os.getpgid(p) == p]
    assert len(leaders) == 1
    assert all(map(is_running, leaders))
