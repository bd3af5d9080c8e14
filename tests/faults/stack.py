"""Everything a run needs, in folders of its own under the system's temporary one."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Engine, create_engine

from tests.faults import handlers
from tests.faults.journal import Journal
from tests.faults.kinds.base import Target
from tests.faults.options import Options
from tests.faults.postgresql import PostgreSQL
from tests.faults.service import KeptService
from tests.support.servers import Valkey

DISK_SIZE = "384m"
VARIABLES = {
    "LOG_LEVEL": "INFO",
    "PAYMENTS_HANDLERS": "tests.faults.registered_handlers",
    # A run shall end soon: a whole budget of attempts lasts some ten seconds.
    "RETRY_MAX_ATTEMPTS": "7",
    "RETRY_BASE_SECONDS": "0.5",
    "RETRY_CAP_SECONDS": "4",
    "JOB_TIMEOUT_SECONDS": "30",
    "WORKER_MAX_MEMORY_MB": "200",
    "WEB_CONCURRENCY": "2",
    "WEB_THREADS": "8",
}


@dataclass(frozen=True)
class Stack:
    """The running servers and processes, the engine of the checker, and the journal."""

    folder: Path
    service: KeptService
    valkey: Valkey
    postgresql: PostgreSQL | None
    disk: Path | None
    engine: Engine
    journal: Journal

    @property
    def outside_lines(self) -> list[str]:
        file = self.folder / handlers.OUTSIDE_FILE
        return file.read_text().splitlines() if file.exists() else []

    def target(self, sender: object) -> Target:
        return Target(self.service, self.valkey, sender, self.postgresql, self.disk)  # type: ignore[arg-type]


@contextlib.contextmanager
def stack(options: Options) -> Iterator[Stack]:
    """Start everything with an empty, migrated database; take everything down afterwards."""
    with contextlib.ExitStack() as undo:
        folder = Path(tempfile.mkdtemp(prefix="payments-faults-"))
        if not os.environ.get("FAULTS_KEEP"):
            undo.callback(shutil.rmtree, folder, ignore_errors=True)
        postgresql = disk = None
        if options.database == "postgresql":
            postgresql = PostgreSQL()
            undo.callback(postgresql.close)
            postgresql.create()
            url = postgresql.url
        else:
            disk = undo.enter_context(small_disk(folder))
            url = f"sqlite:///{(disk or folder) / 'payments.db'}"
        valkey = Valkey()
        undo.callback(valkey.close)
        valkey.start()
        variables = {**VARIABLES, handlers.FOLDER: str(folder)}
        service = KeptService(folder / "service", url, valkey, **variables)
        service.migrate()
        engine = create_engine(url.replace("postgresql://", "postgresql+psycopg://"))
        undo.callback(engine.dispose)
        handlers.EFFECTS.create(engine)
        journal = Journal(folder / "journal.jsonl")
        undo.callback(journal.close)
        undo.callback(service.stop_all)
        service.start_all()
        yield Stack(folder, service, valkey, postgresql, disk, engine, journal)


@contextlib.contextmanager
def small_disk(folder: Path) -> Iterator[Path | None]:
    """A file system that can be filled; None where we may not mount one."""
    disk = folder / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={DISK_SIZE}", "tmpfs", str(disk)]
    try:
        done = subprocess.run(mount, capture_output=True, check=False).returncode == 0
    except OSError:
        done = False
    if not done:
        yield None
        return
    try:
        yield disk
    finally:
        subprocess.run(["umount", "-l", str(disk)], capture_output=True, check=False)
