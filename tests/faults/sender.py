"""A sender that behaves as a provider does, and like one believes nothing but a 2xx.

Several connections to several web instances, both providers, duplicates (also at the same
instant), out of order, and every delivery again, with a growing delay, until it is accepted.
"""

from __future__ import annotations

import contextlib
import heapq
import http.client
import itertools
import random
import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from tests.faults.events import SentEvent, make_event
from tests.faults.journal import Journal
from tests.support.deliveries import demo_headers, stripe_headers

CONNECTIONS = 8
ANSWER_SECONDS = 6.0
FIRST_DELAY_SECONDS = 0.3
LONGEST_DELAY_SECONDS = 4.0
# Deliveries that wait for an answer or for their next try; beyond, no new events are made.
MOST_WAITING = 600
TOLERANCE_SECONDS = 300
MOST_SURPRISES = 20


@dataclass(order=True)
class Delivery:
    """One delivery that is due at `due`; `shift` moves its first timestamp, in seconds."""

    due: float
    order: int
    event: SentEvent = field(compare=False)
    tries: int = field(default=0, compare=False)
    shift: int = field(default=0, compare=False)


class Sender:
    """Sends `total` events; `allowed` says how many may be begun by now."""

    def __init__(
        self,
        ports: Sequence[int],
        journal: Journal,
        seed: int,
        total: int,
        allowed: Callable[[], float],
    ) -> None:
        self.total = total
        self.begun = 0
        self.answers: Counter[str] = Counter()
        self.surprises: list[str] = []
        self._ports = ports
        self._journal = journal
        self._allowed = allowed
        self._rng = random.Random(seed)
        self._run = f"{seed & 0xFFFF:04x}"
        self._order = itertools.count()
        self._lock = threading.Lock()
        self._waiting: list[Delivery] = []
        self._in_flight = 0
        self._wanted: deque[str] = deque()
        self._shifts: deque[int] = deque()
        self._stopped = threading.Event()
        self._threads = [
            threading.Thread(target=self._work, args=(n,), name=f"connection-{n}", daemon=True)
            for n in range(CONNECTIONS)
        ]

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        self._stopped.set()
        for thread in self._threads:
            thread.join(ANSWER_SECONDS + 1)

    def want(self, kind: str, count: int) -> None:
        """The next `count` events shall be of this kind."""
        self._wanted.extend([kind] * count)

    def shift(self, seconds: Sequence[int]) -> None:
        """The first timestamps of the next Stripe deliveries shall be off by so much."""
        self._shifts.extend(seconds)

    @property
    def unsettled(self) -> int:
        """Deliveries that wait for a try or an answer."""
        return len(self._waiting) + self._in_flight

    @property
    def is_done(self) -> bool:
        with self._lock:
            return self.begun >= self.total and not self._waiting and not self._in_flight

    def _work(self, number: int) -> None:
        rng = random.Random(self._rng.random() + number)
        client = Client(self._ports, rng)
        with contextlib.closing(client):
            while not self._stopped.is_set():
                delivery = self._next()
                if delivery is None:
                    self._stopped.wait(0.01)
                    continue
                self._deliver(delivery, client, rng)
                with self._lock:
                    self._in_flight -= 1

    def _next(self) -> Delivery | None:
        with self._lock:
            if self._may_begin():
                self._begin()
            if not self._waiting or self._waiting[0].due > time.monotonic():
                return None
            self._in_flight += 1
            return heapq.heappop(self._waiting)

    def _may_begin(self) -> bool:
        within = self.begun < min(self.total, self._allowed())
        return within and len(self._waiting) < MOST_WAITING

    def _begin(self) -> None:
        """A new event: one delivery or several, at once or apart, sooner or later."""
        kind = self._wanted.popleft() if self._wanted else None
        event = make_event(self.begun, self._rng, self._run, kind)
        self.begun += 1
        shift = 0
        if self._shifts and event.provider == "stripe":
            shift = self._shifts.popleft()
        now = time.monotonic()
        at = now + self._rng.uniform(0, 1.0)
        self._push(Delivery(at, next(self._order), event, shift=shift))
        chance = self._rng.random()
        if chance < 0.06:  # the same instant, on several connections
            for _ in range(self._rng.randint(1, 3)):
                self._push(Delivery(at, next(self._order), event))
        elif chance < 0.16:  # again, whatever became of the first
            again = now + self._rng.uniform(0, 15)
            self._push(Delivery(again, next(self._order), event))

    def _push(self, delivery: Delivery) -> None:
        heapq.heappush(self._waiting, delivery)

    def _deliver(self, delivery: Delivery, client: Client, rng: random.Random) -> None:
        began = time.monotonic()
        status, retry_after = client.post(delivery.event, delivery.shift)
        self.answers[str(status)] += 1
        if status == 200:
            self._journal.accepted(delivery.event)
            if abs(delivery.shift) > TOLERANCE_SECONDS and time.monotonic() - began < 5:
                self._surprise(f"{delivery.event.key}: accepted {delivery.shift} s off")
            return
        # A delivery that was valid when it was signed may have become too old in a stopped server.
        if isinstance(status, int) and status != 503 and not (status == 400 and delivery.shift):
            self._surprise(f"{delivery.event.key}: answered {status}")
        if status == 503 and retry_after is None:
            self._surprise(f"{delivery.event.key}: 503 without Retry-After")
        delay = min(FIRST_DELAY_SECONDS * 2**delivery.tries, LONGEST_DELAY_SECONDS)
        again = Delivery(
            time.monotonic() + delay * rng.uniform(0.5, 1),
            next(self._order),
            delivery.event,
            delivery.tries + 1,
        )
        with self._lock:
            self._push(again)

    def _surprise(self, text: str) -> None:
        if len(self.surprises) < MOST_SURPRISES:
            self.surprises.append(text)


class Client:
    """One connection at a time to each web instance, kept while it works."""

    def __init__(self, ports: Sequence[int], rng: random.Random) -> None:
        self._rng = rng
        self._connections = {
            port: http.client.HTTPConnection("127.0.0.1", port, timeout=ANSWER_SECONDS)
            for port in ports
        }

    def post(self, event: SentEvent, shift: int) -> tuple[int | str, str | None]:
        """The status, or the name of what happened instead; and the header Retry-After."""
        connection = self._connections[self._rng.choice(list(self._connections))]
        headers = (
            stripe_headers(event.body, timestamp=int(time.time()) + shift)
            if event.provider == "stripe"
            else demo_headers(event.body)
        )
        try:
            connection.request("POST", f"/webhooks/{event.provider}", event.body, headers)
            response = connection.getresponse()
            response.read()
        except (OSError, http.client.HTTPException) as error:
            connection.close()
            return type(error).__name__, None
        return response.status, response.headers.get("Retry-After")

    def close(self) -> None:
        for connection in self._connections.values():
            connection.close()
