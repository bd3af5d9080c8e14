"""Ports, configuration, and what `make run` refuses to start."""

from __future__ import annotations

import os
import socket
import sys
from contextlib import ExitStack, closing
from pathlib import Path
from urllib.parse import urlencode
from urllib.request import HTTPCookieProcessor, ProxyHandler, build_opener

import pytest

from payments.local.ports import PORTS
from tests.e2e.make_run.running import (
    READY_SECONDS,
    Start,
    is_free,
)
from tests.support.console import CSRF_FIELD
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


@pytest.mark.parametrize("arguments", [(), ("--dev",)])
def test_a_login_counts_in_each_web_process_also_where_the_env_file_has_no_secret_for_it(
    start: Start, tmp_path: Path, arguments: tuple[str, ...]
) -> None:
    (tmp_path / "project" / ".env").write_text("ADMIN_TOKEN=a-token-of-an-older-file-012345\n")
    running = start(*arguments)
    console = running.banner("Console")
    browser = build_opener(ProxyHandler({}), HTTPCookieProcessor())

    def visit(path: str = "", **fields: str) -> tuple[str, str]:
        """Where one arrives, and what one sees. A new connection, which either process may take."""
        data = urlencode(fields).encode() if fields else None
        with browser.open(f"{console}{path}", data, timeout=10) as page:
            return page.url, page.read().decode()

    def log_in() -> str:
        [csrf_token] = CSRF_FIELD.findall(visit("/login")[1])
        return visit("/login", csrf_token=csrf_token, token=running.banner("Admin token"))[0]

    assert log_in() == console
    assert {visit()[0] for _ in range(20)} == {console}


def test_the_number_of_workers_can_be_set(start: Start) -> None:
    running = start(WORKER_COUNT="1")
    running.banner("Stop")
    leaders = [p for p in running.find("jobs.worker") if os.getpgid(p) == p]
    assert len(leaders) == 1
    assert all(map(is_running, leaders))
