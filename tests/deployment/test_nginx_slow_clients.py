"""Slow clients in front of a real service with two threads: they hold nginx, and never a thread."""

from __future__ import annotations

import contextlib
import selectors
import socket
import ssl
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.deployment import nginx
from tests.deployment.nginx import HOST, Nginx
from tests.support.deliveries import encode, stripe_event, stripe_headers
from tests.support.servers import free_port
from tests.support.service import Service
from tests.support.waiting import eventually

CLIENTS = 40
HEAD = f"POST /webhooks/stripe HTTP/1.1\r\nHost: {HOST}\r\n".encode()
PIECE_SECONDS = 0.5

pytestmark = pytest.mark.usefixtures("nginx_program")


@pytest.fixture
def site(tmp_path: Path, redis_url: str) -> Iterator[Nginx]:
    variables = {"WEB_CONCURRENCY": "1", "WEB_THREADS": "2", "TRUSTED_PROXIES": "1"}
    service = Service(tmp_path, f"sqlite:///{tmp_path / 'p.db'}", redis_url, **variables)
    with (
        service.started(),
        nginx.running(tmp_path / "site", (service.port, free_port())) as site,
    ):
        yield site


@pytest.mark.parametrize("start", [HEAD, HEAD + b"Content-Length: 100000\r\n\r\n"])
def test_dripping_clients_keep_nobody_waiting(site: Nginx, start: bytes) -> None:
    with dripping(site, start) as clients:
        for _ in range(5):
            began = time.monotonic()
            body = encode(stripe_event())
            answer = site.request("POST", "/webhooks/stripe", body, stripe_headers(body))
            assert answer.status == 200
            assert time.monotonic() - began < 5  # with two threads held, it would be 10
        assert all(map(_is_open, clients))
        if start == HEAD:
            # A head has ten seconds in all, however steadily it comes.
            eventually(lambda: not any(map(_is_open, clients)), "nginx ends slow heads", 15)


@contextlib.contextmanager
def dripping(site: Nginx, start: bytes) -> Iterator[list[ssl.SSLSocket]]:
    """Clients that have sent `start`, and then a byte at a time."""
    ended = threading.Event()
    with contextlib.ExitStack() as sockets:
        clients = [sockets.enter_context(_client(site, start)) for _ in range(CLIENTS)]

        def drip() -> None:
            while not ended.wait(PIECE_SECONDS):
                for client in clients:
                    with contextlib.suppress(OSError):
                        client.send(b"x")

        dripper = threading.Thread(target=drip)
        dripper.start()
        try:
            yield clients
        finally:
            ended.set()
            dripper.join()


def _client(site: Nginx, start: bytes) -> ssl.SSLSocket:
    plain = socket.create_connection(("127.0.0.1", site.port), 5)
    client = site.tls().wrap_socket(plain, server_hostname=HOST)
    client.sendall(start)
    return client


def _is_open(client: ssl.SSLSocket) -> bool:
    with selectors.DefaultSelector() as selector:
        selector.register(client, selectors.EVENT_READ)
        if not selector.select(0):
            return True
    client.settimeout(0.1)
    try:
        return client.recv(1) != b""
    except TimeoutError:
        return True  # a session ticket of TLS 1.3
    except OSError:
        return False
