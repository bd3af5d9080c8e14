"""What the sender knows: which events were accepted, when, and with which bytes.

In memory and in a file, a line of JSON for each event at its first 2xx. The checker believes the
file alone.
"""

from __future__ import annotations

import json
import threading
import time
from dataclasses import asdict, dataclass
from pathlib import Path

from tests.faults.events import ACCOUNT, SentEvent

Key = tuple[str, str, str]


@dataclass(frozen=True)
class Accepted:
    """An event that the service has answered with a 2xx. `at` is in seconds since 1970."""

    provider: str
    account: str
    event_id: str
    kind: str
    sha256: str
    at: float

    @property
    def key(self) -> Key:
        return (self.provider, self.account, self.event_id)


class Journal:
    """Safe to use from several threads."""

    def __init__(self, file: Path) -> None:
        self.file = file
        self._lock = threading.Lock()
        self._accepted: set[Key] = set()
        self._output = file.open("a", encoding="utf-8")

    @property
    def count(self) -> int:
        return len(self._accepted)

    def accepted(self, event: SentEvent) -> None:
        """Note the first acceptance; later ones are duplicates."""
        with self._lock:
            if event.key in self._accepted:
                return
            self._accepted.add(event.key)
            entry = Accepted(
                event.provider, ACCOUNT, event.event_id, event.kind, event.sha256, time.time()
            )
            self._output.write(json.dumps(asdict(entry)) + "\n")
            self._output.flush()

    def close(self) -> None:
        self._output.close()


def read_journal(file: Path) -> dict[Key, Accepted]:
    """The accepted events by their key."""
    entries = (Accepted(**json.loads(line)) for line in file.read_text().splitlines())
    return {entry.key: entry for entry in entries}
