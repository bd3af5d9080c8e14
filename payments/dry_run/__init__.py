"""Dry run: what the current handlers would do to the database now, without doing it.

The one that keeps the payments is among them: its rows are shown like those of all others.

The handlers really run, in a transaction that is always rolled back, on a connection of its own
that is closed afterwards. No attempt is begun, no status changes, no effect is done. What remains
on the database's side: numbers taken from PostgreSQL's sequences (they are never given back), and
the dead row versions of any rolled back transaction. What a handler does outside of the database
without `effects.once` is really done; nobody could hold it back.

    result = dry_run(event_id)
    result.outcome     # "changes", "nothing to change", "fails", "ignored" or "payload expired"
    result.describe()  # the whole of it, ready for JSON
"""

from payments.dry_run.result import (
    CHANGES,
    FAILS,
    IGNORED,
    NOTHING,
    PAYLOAD_EXPIRED,
    DryRun,
    NotDone,
    TableChange,
    TableCount,
)
from payments.dry_run.run import dry_run

__all__ = [
    "dry_run",
    "DryRun",
    "TableChange",
    "TableCount",
    "NotDone",
    "CHANGES",
    "NOTHING",
    "FAILS",
    "IGNORED",
    "PAYLOAD_EXPIRED",
]
