"""Which port the web process listens on."""

from __future__ import annotations

import errno
import socket
from collections.abc import Iterable

from payments.local.errors import LocalError, PortBusy

PORTS = range(8065, 8100)
BACKLOG = 2048  # gunicorn's own default


def listen(host: str, port: int | None, ports: Iterable[int] = PORTS) -> socket.socket:
    """A socket that listens on `port`, or on the first free one of `ports` where it is None.

    The socket itself is handed to the web process. Were the port only looked up, another program
    could take it before gunicorn does, and a gunicorn that is started again would refuse
    connections meanwhile.

    Raises:
        PortBusy: with what to set.
        LocalError: the address cannot be listened on at all.
    """
    for candidate in [port] if port else ports:
        listener = _try(host, candidate)
        if listener is not None:
            return listener
    if port:
        raise PortBusy(
            f"APP_PORT: {port} is busy on {host}. Set APP_PORT to a free port, or remove it."
        )
    first, *_, last = ports
    raise PortBusy(
        f"All ports from {first} to {last} are busy on {host}. Set APP_PORT to a free one."
    )


def _try(host: str, port: int) -> socket.socket | None:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as gunicorn does
        listener.bind((host, port))
        listener.listen(BACKLOG)
        return listener
    except OSError as error:
        listener.close()
        if error.errno == errno.EADDRINUSE:
            return None
        if error.errno == errno.EACCES:
            raise LocalError(f"APP_PORT: {port} needs privileges. Use 1024 or above.") from None
        raise LocalError(f"APP_HOST: cannot listen on {host} ({error.strerror}).") from None


def address_of(listener: socket.socket) -> str:
    """The URL under which this machine reaches the listener: a wildcard address means loopback."""
    host, port = listener.getsockname()[:2]
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
