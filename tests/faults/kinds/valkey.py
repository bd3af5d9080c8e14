"""A Redis that dies, forgets, hangs, is full, or hangs up."""

from __future__ import annotations

import shutil
import signal
from pathlib import Path
from typing import Any, ClassVar

import redis

from tests.faults.kinds.base import Fault

LONGEST_PAUSE_SECONDS = 10.0
AOF = "appendonlydir"
OLD_AOF = "appendonlydir-of-before"


class ValkeyFault(Fault):
    room = "valkey"

    def command(self, *words: Any) -> None:
        client = redis.Redis.from_url(self.target.valkey.url, socket_timeout=10)
        client.execute_command(*words)
        client.close()

    @property
    def folder(self) -> Path:
        return self.target.valkey.folder


class ValkeyKilled(ValkeyFault):
    name = "valkey is killed, and started again"
    longest: ClassVar[float] = 4.0

    def inject(self) -> None:
        self.target.valkey.kill()

    def heal(self) -> None:
        self.target.valkey.start()


class ValkeyEmptied(ValkeyKilled):
    name = "valkey is killed, and started empty"

    def inject(self) -> None:
        super().inject()
        shutil.rmtree(self.folder / AOF, ignore_errors=True)


class ValkeyRestored(ValkeyKilled):
    name = "valkey is killed, and restored from before"

    def inject(self) -> None:
        super().inject()
        now, before = self.folder / AOF, self.folder / OLD_AOF
        old = self.folder / "set-aside"
        if before.exists():
            before.rename(old)
        if now.exists():
            shutil.copytree(now, before)
        if old.exists():
            shutil.rmtree(now, ignore_errors=True)
            old.rename(now)


class ValkeyFlushed(ValkeyFault):
    name = "valkey: FLUSHALL"

    def inject(self) -> None:
        self.command("FLUSHALL")


class ValkeyPaused(ValkeyFault):
    name = "valkey stands still"
    longest: ClassVar[float] = LONGEST_PAUSE_SECONDS

    def inject(self) -> None:
        self.target.valkey.signal(signal.SIGSTOP)

    def heal(self) -> None:
        self.target.valkey.signal(signal.SIGCONT)


class ValkeyFull(ValkeyFault):
    name = "valkey: maxmemory is reached"
    longest: ClassVar[float] = 8.0

    def inject(self) -> None:
        self.command("CONFIG", "SET", "maxmemory", "1mb")

    def heal(self) -> None:
        self.command("CONFIG", "SET", "maxmemory", "0")


class ValkeyHangsUp(ValkeyFault):
    name = "valkey: all connections are cut"

    def inject(self) -> None:
        for kind in ("normal", "pubsub"):
            self.command("CLIENT", "KILL", "TYPE", kind, "SKIPME", "yes")


KINDS = (
    ValkeyKilled,
    ValkeyEmptied,
    ValkeyRestored,
    ValkeyFlushed,
    ValkeyPaused,
    ValkeyFull,
    ValkeyHangsUp,
)
