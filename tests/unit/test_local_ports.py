"""Which port `make run` listens on."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import closing

import pytest

from payments.local.errors import LocalError, PortBusy
from payments.local.ports import PORTS, address_of, listen

HOST = "127.0.0.1"


@pytest.fixture
def busy_port() -> Iterator[int]:
    with closing(socket.create_server((HOST, 0))) as server:
        yield server.getsockname()[1]


@pytest.fixture
def free_port() -> int:
    with closing(socket.create_server((HOST, 0))) as server:
        return int(server.getsockname()[1])


def test_the_first_free_port_is_taken(busy_port: int, free_port: int) -> None:
    with closing(listen(HOST, None, [busy_port, free_port])) as listener:
        assert listener.getsockname() == (HOST, free_port)


def test_a_named_port_is_taken_and_no_other(free_port: int) -> None:
    with closing(listen(HOST, free_port, [])) as listener:
        assert listener.getsockname() == (HOST, free_port)


def test_a_named_port_that_is_busy_is_an_error_that_names_the_variable(busy_port: int) -> None:
    with pytest.raises(PortBusy, match=f"APP_PORT: {busy_port} is busy on {HOST}"):
        listen(HOST, busy_port)


def test_when_all_are_busy_the_error_says_what_to_set(busy_port: int) -> None:
    with pytest.raises(PortBusy, match=r"All ports .* are busy .*Set APP_PORT"):
        listen(HOST, None, [busy_port, busy_port])


def test_the_ports_are_those_of_the_contract() -> None:
    assert (PORTS[0], PORTS[-1]) == (8065, 8099)


def test_a_port_with_connections_of_a_stopped_server_counts_as_free(free_port: int) -> None:
    with closing(listen(HOST, free_port)) as listener:
        client = socket.create_connection((HOST, free_port))
        accepted, _ = listener.accept()
        accepted.close()  # the server closes first: its side stays in TIME_WAIT
        client.close()
    with closing(listen(HOST, free_port)) as listener:
        assert listener.getsockname()[1] == free_port


def test_a_host_that_is_not_this_machine_is_an_error_that_names_the_variable() -> None:
    with pytest.raises(LocalError, match=r"APP_HOST: cannot listen on 192\.0\.2\.1"):
        listen("192.0.2.1", None)


def test_the_listener_queues_connections_before_anybody_accepts(free_port: int) -> None:
    with (
        closing(listen(HOST, free_port)),
        closing(socket.create_connection((HOST, free_port), timeout=5)) as client,
    ):
        assert client.getpeername() == (HOST, free_port)


def test_a_wildcard_address_is_reached_by_loopback() -> None:
    with closing(listen("0.0.0.0", None, range(49500, 49600))) as listener:  # noqa: S104
        port = listener.getsockname()[1]
        assert address_of(listener) == f"http://127.0.0.1:{port}"


def test_an_ipv6_address_is_bracketed(free_port: int) -> None:
    try:
        listener = listen("::1", free_port)
    except LocalError:
        pytest.skip("this machine has no IPv6 loopback")
    with closing(listener):
        assert address_of(listener) == f"http://[::1]:{free_port}"
