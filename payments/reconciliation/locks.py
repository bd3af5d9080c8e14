"""One run at a time for each account; a run that is killed does not keep its lock."""

from __future__ import annotations

import fcntl
import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import func, select

from payments.extensions import db, settings
from payments.reconciliation.counts import Source


@contextmanager
def only_run(source: Source) -> Iterator[bool]:
    """Whether no other run of this account goes on; if so, none begins within the block.

    On PostgreSQL the lock is that of a connection, on SQLite (one machine) that of a file: both end
    with their process.
    """
    digest = hashlib.sha256(f"reconcile/{source.provider}/{source.account}".encode()).digest()
    if db.engine.dialect.name == "postgresql":
        with _locked_connection(int.from_bytes(digest[:8], signed=True)) as ours:
            yield ours
    else:
        with _locked_file(settings().var_dir / "locks" / f"reconcile-{digest.hex()[:16]}") as ours:
            yield ours


@contextmanager
def _locked_connection(key: int) -> Iterator[bool]:
    with db.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        ours = bool(connection.scalar(select(func.pg_try_advisory_lock(key))))
        try:
            yield ours
        finally:
            if ours:
                connection.execute(select(func.pg_advisory_unlock(key)))


@contextmanager
def _locked_file(path: Path) -> Iterator[bool]:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with path.open("ab") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
            return
        yield True
