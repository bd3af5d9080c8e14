"""The real nginx with the example's text; only the documented placeholders are replaced."""

from __future__ import annotations

import contextlib
import http.client
import os
import shutil
import socket
import ssl
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from tests.standins.certificates import issue
from tests.support.servers import free_port
from tests.support.service import ROOT, Answer
from tests.support.waiting import eventually

EXAMPLE = ROOT / "nginx" / "payments-api.conf.example"
HOST = "payments.example.com"
# Addresses of loopback, for the roles of clients.
PUBLIC, BALANCER, OPERATOR = "127.0.0.1", "127.0.0.5", "127.0.0.9"
# What a machine's own nginx.conf says around the site, after Debian's.
MAIN = """
daemon off;
{user}
pid {folder}/pid;
error_log {folder}/error.log;
events {{ worker_connections 768; }}
http {{
    sendfile on;
    tcp_nopush on;
    types_hash_max_size 2048;
    default_type application/octet-stream;
    ssl_protocols TLSv1 TLSv1.1 TLSv1.2 TLSv1.3;
    ssl_prefer_server_ciphers on;
    gzip on;
    access_log off;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    include {folder}/site.conf;
}}
"""


@dataclass(frozen=True)
class Nginx:
    """A site that runs: `plain` and `port` are those of HTTP and HTTPS."""

    folder: Path
    plain: int
    port: int

    def tls(self) -> ssl.SSLContext:
        return ssl.create_default_context(cafile=str(self.folder / "fullchain.pem"))

    def connection(
        self, client: str = PUBLIC, context: ssl.SSLContext | None = None, seconds: float = 20
    ) -> http.client.HTTPSConnection:
        """One from the address `client`, for the host of the certificate."""
        connection = http.client.HTTPSConnection(
            HOST, self.port, timeout=seconds, context=context or self.tls()
        )
        # As if HOST's name were resolved to loopback.
        connection._create_connection = lambda _, timeout, __: _connect(  # type: ignore[attr-defined]
            self.port, timeout, client
        )
        return connection

    def request(
        self,
        method: str,
        path: str,
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        client: str = PUBLIC,
    ) -> Answer:
        """One request on a connection of its own."""
        with contextlib.closing(self.connection(client)) as connection:
            return ask(connection, method, path, body, headers)

    def access_log(self) -> str:
        return (self.folder / "access.log").read_text()


def _connect(port: int, timeout: float, client: str) -> socket.socket:
    return socket.create_connection(("127.0.0.1", port), timeout, (client, 0))


def ask(
    connection: http.client.HTTPConnection,
    method: str,
    path: str,
    body: bytes | None = None,
    headers: Mapping[str, str] | None = None,
) -> Answer:
    connection.request(method, path, body, {"Host": HOST, **(headers or {})})
    response = connection.getresponse()
    named: dict[str, str] = {}
    for name, value in response.getheaders():
        # A header that comes twice would show as "a, a".
        named[name.lower()] = f"{named[name.lower()]}, {value}" if name.lower() in named else value
    return Answer(response.status, named, response.read())


def prepare(folder: Path, upstreams: tuple[int, int]) -> Nginx:
    """Write the configuration into `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    site = Nginx(folder, free_port(), free_port())
    authority = issue("A test's authority", authority=True)
    leaf = issue(HOST, authority)
    (folder / "fullchain.pem").write_bytes(leaf.pem + authority.pem)
    (folder / "privkey.pem").write_bytes(leaf.key_pem)
    text = EXAMPLE.read_text()
    replaced = {
        "/etc/ssl/payments-api/": f"{folder}/",
        "/var/log/nginx/payments-api.access.log": f"{folder}/access.log",
        "127.0.0.1:8065": f"127.0.0.1:{upstreams[0]}",
        "127.0.0.1:8066": f"127.0.0.1:{upstreams[1]}",
        "listen 80;": f"listen 127.0.0.1:{site.plain};",
        "listen 443 ": f"listen 127.0.0.1:{site.port} ",
        "10.0.0.0/8": f"{OPERATOR}/32",
        "192.0.2.10": BALANCER,
    }
    for placeholder, value in replaced.items():
        assert placeholder in text, f"{placeholder} is no longer in the example"
        text = text.replace(placeholder, value)
    (folder / "site.conf").write_text(text)
    user = "user root;" if os.geteuid() == 0 else ""
    (folder / "nginx.conf").write_text(MAIN.format(folder=folder, user=user))
    return site


def check(site: Nginx) -> subprocess.CompletedProcess[str]:
    """`nginx -t`."""
    return subprocess.run([*_command(site), "-t"], capture_output=True, text=True)


@contextlib.contextmanager
def running(folder: Path, upstreams: tuple[int, int]) -> Iterator[Nginx]:
    site = prepare(folder, upstreams)
    process = subprocess.Popen(_command(site))
    try:
        eventually(lambda: _listens(site), "nginx listens")
        yield site
    finally:
        process.terminate()
        process.wait(20)


def is_installed() -> bool:
    return shutil.which("nginx", path=f"{os.environ['PATH']}:/usr/sbin") is not None


def _command(site: Nginx) -> list[str]:
    program = shutil.which("nginx", path=f"{os.environ['PATH']}:/usr/sbin") or "nginx"
    return [program, "-c", f"{site.folder}/nginx.conf", "-e", f"{site.folder}/error.log"]


def _listens(site: Nginx) -> bool:
    try:
        with contextlib.closing(site.connection()) as connection:
            connection.connect()
            return True
    except OSError:
        return False
