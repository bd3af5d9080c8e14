"""The service under test, and the process manager that brings back what dies."""

from __future__ import annotations

import contextlib
import os
import random
import signal
import threading
import time
from pathlib import Path

import psutil
import redis

from tests.support.servers import Valkey, free_port
from tests.support.service import SCHEDULER, WEB, Service
from tests.support.waiting import eventually

WEBS = ("web.1", "web.2")
WORKERS = ("worker.1", "worker.2")
NAMES = (*WEBS, *WORKERS, SCHEDULER)
RESTART_SECONDS = 0.3
POLL_SECONDS = 0.1


class KeptService(Service):
    """Two gunicorns, two workers and rq-scheduler; each is started again whenever it ends."""

    def __init__(self, folder: Path, database_url: str, valkey: Valkey, **variables: str) -> None:
        super().__init__(folder, database_url, valkey.url, **variables)
        self.ports = {name: free_port() for name in WEBS}
        self.starts = dict.fromkeys(NAMES, 0)
        self._valkey = valkey
        self._stopping = threading.Event()
        self._keeper = threading.Thread(target=self._keep, name="process-manager", daemon=True)

    def start_all(self) -> None:
        for name in NAMES:
            self.start(name)
        for name in WEBS:
            eventually(lambda name=name: self._answers(name), f"{name} answers", 60)
        self._keeper.start()

    def start(self, name: str) -> None:
        self.starts[name] += 1
        if name in WEBS:
            self.port = self.ports[name]
            super().start(WEB)
            self.processes[name] = self.processes.pop(WEB)
        else:
            super().start(name)

    def stop_all(self) -> None:
        self._stopping.set()
        if self._keeper.is_alive():
            self._keeper.join()
        for name in list(self.processes):
            self.signal_group(name, signal.SIGCONT)
        self.stop()

    def pids(self, name: str) -> list[int]:
        """The process first, then its children: gunicorn's workers, or RQ's scheduler."""
        try:
            parent = psutil.Process(self.processes[name].pid)
            return [parent.pid, *(child.pid for child in parent.children())]
        except (psutil.Error, KeyError):
            return []

    def children(self, name: str) -> list[int]:
        return self.pids(name)[1:]

    def signal_group(self, name: str, number: signal.Signals) -> None:
        """The process and all that it has started."""
        with contextlib.suppress(ProcessLookupError, KeyError):
            os.killpg(self.processes[name].pid, number)

    def busy_worker(self, rng: random.Random, seconds: float = 2.0) -> str:
        """A worker that says that it runs a job; any worker where none does for a while."""
        names = rng.sample(WORKERS, len(WORKERS))
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            for name in names:
                if self._has_job(name):
                    return name
            time.sleep(0.002)
        return names[0]

    def _has_job(self, name: str) -> bool:
        client = redis.Redis.from_url(self._valkey.url, socket_timeout=0.5)
        with contextlib.closing(client), contextlib.suppress(redis.RedisError):
            pid = f"-{self.processes[name].pid}-".encode()
            for key in client.smembers("rq:workers"):
                if pid in key:
                    return client.hget(key, "current_job") is not None
        return False

    def _keep(self) -> None:
        while not self._stopping.wait(POLL_SECONDS):
            for name in NAMES:
                if not self._stopping.is_set() and not self.is_running(name):
                    self.kill(name)  # what is left of its group
                    time.sleep(RESTART_SECONDS)
                    self.start(name)

    def _answers(self, name: str) -> bool:
        self.port = self.ports[name]
        assert self.is_running(name), f"{name} has ended:\n{self.log(WEB)}"
        with contextlib.suppress(OSError):
            return self.request("GET", "/health", seconds=2).status == 200
        return False
