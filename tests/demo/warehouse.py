"""The warehouse that orders are sent to: a port that listens, or refuses while it is down."""

from __future__ import annotations

import contextlib
import os
import socket
import threading

PORT_VARIABLE = "DEMO_WAREHOUSE_PORT"
PATIENCE_SECONDS = 2.0


class Warehouse:
    """Accepts orders from the moment that it is opened until it is closed; always on one port."""

    def __init__(self) -> None:
        self._door: socket.socket | None = None
        self.port = 0
        self.open()

    def open(self) -> None:
        self._door = socket.create_server(("127.0.0.1", self.port))
        self.port = self._door.getsockname()[1]
        threading.Thread(target=_take_orders, args=(self._door,), daemon=True).start()

    def close(self) -> None:
        if self._door is not None:
            # Wakes the thread that waits for the next order; closing alone would not.
            with contextlib.suppress(OSError):
                self._door.shutdown(socket.SHUT_RDWR)
            self._door.close()
            self._door = None


def send_order(key: str) -> None:
    """Raises ConnectionRefusedError while the warehouse is down."""
    address = ("127.0.0.1", int(os.environ[PORT_VARIABLE]))
    with socket.create_connection(address, PATIENCE_SECONDS) as order:
        order.sendall(key.encode())


def _take_orders(door: socket.socket) -> None:
    with contextlib.suppress(OSError):  # it was closed
        while True:
            order, _ = door.accept()
            order.close()
