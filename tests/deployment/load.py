"""Webhooks that keep coming while something is done to the service; every one must be answered."""

from __future__ import annotations

import contextlib
import http.client
import threading
import time
from collections import Counter
from collections.abc import Iterator

from tests.support.deliveries import encode, stripe_event, stripe_headers

SECONDS = 20.0
PAUSE_SECONDS = 0.2


class Load:
    """Senders on new connections and on kept ones, in equal parts.

    Attributes:
        sent: the ids of the events that were sent, with their types.
        failures: what came instead of 200, or of an answer.
    """

    def __init__(self, port: int, event_types: list[str]) -> None:
        self.sent: dict[str, str] = {}
        self.failures: Counter[str] = Counter()
        self._port = port
        self._types = event_types
        self._ended = threading.Event()

    @contextlib.contextmanager
    def running(self, senders: int = 4) -> Iterator[Load]:
        threads = [
            threading.Thread(target=self._send, args=(number % 2 == 0,))
            for number in range(senders)
        ]
        for thread in threads:
            thread.start()
        try:
            yield self
        finally:
            self._ended.set()
            for thread in threads:
                thread.join()

    def _send(self, keep: bool) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=SECONDS)
        while not self._ended.wait(PAUSE_SECONDS):
            if not keep:
                connection.close()
            self._send_one(connection)
        connection.close()

    def _send_one(self, connection: http.client.HTTPConnection) -> None:
        event = stripe_event(self._types[len(self.sent) % len(self._types)])
        body = encode(event)
        self.sent[event["id"]] = event["type"]
        began = time.monotonic()
        try:
            connection.request("POST", "/webhooks/stripe", body, stripe_headers(body))
            answer = connection.getresponse()
            answer.read()
            outcome = str(answer.status)
        except (OSError, http.client.HTTPException) as error:
            connection.close()
            outcome = f"{type(error).__name__} after {time.monotonic() - began:.1f} s"
        if outcome != "200":
            self.failures[outcome] += 1
