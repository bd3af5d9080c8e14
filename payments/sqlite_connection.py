"""SQLite's connections, which must not go back to their pool with a cursor that is half read.

SQLite ends a transaction only when its last statement has ended. A cursor that a handler keeps
would hold the connection in a state of the past, and once somebody else has written, each later
writer on that connection is refused: "database is locked", for as long as the process lives.
"""

from __future__ import annotations

import sqlite3
import weakref
from typing import Any


class ClosingConnection(sqlite3.Connection):
    """A connection that can close the cursors which others have left open."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._cursors: weakref.WeakSet[sqlite3.Cursor] = weakref.WeakSet()

    def cursor(self, *args: Any, **kwargs: Any) -> Any:
        cursor = super().cursor(*args, **kwargs)
        self._cursors.add(cursor)
        return cursor

    def close_cursors(self) -> None:
        for cursor in list(self._cursors):
            cursor.close()


def close_cursors(dbapi_connection: ClosingConnection | None, _record: object) -> None:
    """For the pool's event `checkin`; a connection that is lost is None."""
    if dbapi_connection is not None:
        dbapi_connection.close_cursors()
