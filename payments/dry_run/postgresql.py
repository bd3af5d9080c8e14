"""What a transaction changed, on PostgreSQL: whoever wrote it, ORM, SQL text, trigger or cascade.

Nothing is installed on the tables, since a trigger would lock out their writers. Instead:

1. The dry run is a REPEATABLE READ transaction. It exports its snapshot, takes its transaction id
   and notes the next multixact id, all before the handlers run.
2. `pg_stat_xact_user_tables` counts the rows that this transaction inserted, updated and deleted
   in each table. The view also holds what earlier transactions of the same session have not
   reported yet, so its state at the start is subtracted.
3. The rows after are those whose `xmin` is ours. Savepoints have transaction ids of their own, all
   of them from our first to one that is taken when the handlers have ended; others in that range
   are invisible to our snapshot. `age()` compares ids in a circle, as PostgreSQL does.
4. The rows before are read by a second connection that has imported the snapshot, and so sees the
   same database without our changes: those whose `xmax` is ours, or a multixact that was made
   meanwhile (a row that is changed under somebody's shared lock has such a one).
5. The ids only narrow the search. A row version is changed if one of the two connections sees it
   and the other does not, and that is checked by its `ctid`. So rows that are only locked, rows
   that others lock or change meanwhile, and frozen rows whose old id happens to lie in the range,
   drop out.
6. Versions are matched by primary key.

3 and 4 read a touched table from end to end, because nothing indexes `xmin`. That is limited in
time; a table that takes longer is reported by the counts of 2. For TRUNCATE and DDL, which no row
tells of, there is a warning.

A COMMIT in whatever disguise is refused by the database itself: the transaction holds a row whose
foreign key is wrong, and is checked at the end.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row, func, select, text
from sqlalchemy.exc import DBAPIError

from payments.database import snapshot
from payments.dry_run.comparing import Observed, TableRows
from payments.dry_run.result import TableCount
from payments.dry_run.row_versions import (
    IDS,
    MOST_ROWS,
    OwnIds,
    Versions,
    next_multixact,
    own_id,
)
from payments.errors import HandlerMisuse
from payments.observability.masking import Masker

HANDLER_SECONDS = 10
LOCK_SECONDS = 2
SCAN_SECONDS = 5
CANCEL_SECONDS = 2
REPEATABLE_READ = {"isolation_level": "REPEATABLE READ"}
GUARD = "payments_dry_run_no_commit"
# PostgreSQL's codes of errors.
QUERY_CANCELED, LOCK_NOT_AVAILABLE = "57014", "55P03"
READ_ONLY_TRANSACTION, UNDEFINED_TABLE = "25006", "42P01"
LOST_RACES = ("40001", "40P01")  # serialization_failure, deadlock_detected

FORBID_COMMIT = (
    "CREATE TEMPORARY TABLE payments_dry_run_no_commit (id integer PRIMARY KEY,"
    " missing integer CONSTRAINT payments_dry_run_no_commit"
    " REFERENCES payments_dry_run_no_commit DEFERRABLE INITIALLY DEFERRED)",
    "INSERT INTO pg_temp.payments_dry_run_no_commit VALUES (1, 2)",
)
ALLOW_CHECKS = "DELETE FROM pg_temp.payments_dry_run_no_commit"
COUNTS = text(
    "SELECT s.relid, s.n_tup_ins AS inserts, s.n_tup_upd AS updates, s.n_tup_del AS deletes,"
    " c.relname, n.nspname, pg_table_is_visible(c.oid) AS visible"
    " FROM pg_stat_xact_user_tables s JOIN pg_class c ON c.oid = s.relid"
    " JOIN pg_namespace n ON n.oid = c.relnamespace"
    " WHERE c.relpersistence <> 't' AND s.n_tup_ins + s.n_tup_upd + s.n_tup_del > 0"
    # Small ones first: a huge one may use up the time.
    " ORDER BY c.relpages, s.relid"
)
REWRITTEN = text(
    "SELECT DISTINCT c.relname FROM pg_locks l JOIN pg_class c ON c.oid = l.relation"
    " WHERE l.pid = pg_backend_pid() AND l.mode = 'AccessExclusiveLock'"
    " AND c.relkind IN ('r', 'p') AND c.relpersistence <> 't' ORDER BY 1"
)


def sqlstate_of(error: BaseException) -> str | None:
    """PostgreSQL's code of the error; None for another's."""
    return getattr(error.orig, "sqlstate", None) if isinstance(error, DBAPIError) else None


@dataclass(frozen=True)
class _Touched:
    relid: int
    name: str
    schema: str
    count: TableCount


class PostgreSQL:
    """One dry run's transaction, on the connection that is given."""

    handler_seconds = HANDLER_SECONDS

    def __init__(self, connection: Connection, mask: Masker) -> None:
        self._connection = connection
        self._driver: Any = connection.connection.driver_connection
        self._mask = mask

    def begin(self) -> None:
        run = self._connection.execute
        _set(self._connection, "lock_timeout", f"{LOCK_SECONDS}s")
        # Should this process hang, the locks go after a while.
        patience = HANDLER_SECONDS + SCAN_SECONDS + 5
        _set(self._connection, "idle_in_transaction_session_timeout", f"{patience}s")
        self._snapshot = run(select(func.pg_export_snapshot())).scalar_one()
        self._first_id = own_id(self._connection)
        self._first_multixact = next_multixact(self._connection)
        self._at_start = {row.relid: row for row in run(COUNTS)}
        may = select(func.has_database_privilege(func.current_database(), "TEMPORARY"))
        self._guarded = run(may).scalar_one()
        for statement in FORBID_COMMIT if self._guarded else ():
            self._connection.exec_driver_sql(statement)

    def interrupt(self) -> None:
        self._driver.cancel_safe(timeout=CANCEL_SECONDS)

    def settle(self) -> None:
        """What PostgreSQL checks or does at COMMIT fails, or is done, here.

        Raises:
            HandlerMisuse: the transaction is not the one that was begun.
        """
        if self._guarded:
            try:
                self._connection.exec_driver_sql(ALLOW_CHECKS)
            except DBAPIError as error:
                if sqlstate_of(error) == UNDEFINED_TABLE:
                    raise HandlerMisuse(f"{GUARD} is gone") from error
                raise
        self._connection.exec_driver_sql("SET CONSTRAINTS ALL IMMEDIATE")

    def is_refused_end(self, error: BaseException) -> bool:
        """Whether `error` is what a handler got for ending the transaction."""
        return GUARD in str(error)

    def observe(self) -> Observed:
        """The rows that this transaction changed; reads for at most SCAN_SECONDS."""
        deadline = time.monotonic() + SCAN_SECONDS
        observed = Observed()
        for name in self._connection.execute(REWRITTEN).scalars():
            observed.schema_changes.append(f"{name} is truncated, altered or new: not shown.")
        if not self._is_counting():
            observed.warnings.append("PostgreSQL's track_counts is off: no change can be found.")
        if touched := self._touched():
            _make_text_canonical(self._connection)
            with self._before() as before:
                # Younger than every id of ours, those of savepoints too.
                span = (own_id(before) - self._first_id) % IDS
                ids = OwnIds(self._first_id, span, self._first_multixact)
                for one in touched:
                    self._read(before, one, ids, deadline, observed)
        return observed

    def _is_counting(self) -> bool:
        return bool(self._connection.execute(text("SHOW track_counts")).scalar_one() == "on")

    def _touched(self) -> list[_Touched]:
        touched = []
        for now in self._connection.execute(COUNTS):
            name = now.relname if now.visible else f"{now.nspname}.{now.relname}"
            count = _since(self._at_start.get(now.relid), now, name)
            if count.total:
                touched.append(_Touched(now.relid, now.relname, now.nspname, count))
        return touched

    @contextmanager
    def _before(self) -> Iterator[Connection]:
        """A connection that sees the database as it was when the dry run began."""
        with snapshot() as session:
            connection = session.connection(execution_options=REPEATABLE_READ)
            connection.exec_driver_sql(f"SET TRANSACTION SNAPSHOT '{self._snapshot}'")
            _set(connection, "lock_timeout", f"{LOCK_SECONDS}s")
            _make_text_canonical(connection)
            yield connection

    def _read(
        self,
        before: Connection,
        touched: _Touched,
        ids: OwnIds,
        deadline: float,
        observed: Observed,
    ) -> None:
        try:
            with _in_time(self._connection, deadline), _in_time(before, deadline):
                rows = self._rows(before, touched, ids)
        except DBAPIError as error:
            rows = None
            why = WHY_UNREAD.get(sqlstate_of(error) or "", "reading it failed")
        else:
            why = f"more than {MOST_ROWS} rows are touched"
        if rows is not None:
            observed.tables.append(rows)
            return
        observed.counts.append(touched.count)
        observed.warnings.append(f"{touched.count.table} is only counted: {why}.")

    def _rows(self, before: Connection, touched: _Touched, ids: OwnIds) -> TableRows | None:
        """What only one of the two connections sees; None for too much."""
        after, count = self._connection, touched.count
        versions = Versions(after, touched.relid, touched.name, touched.schema)
        made = versions.read(after, ids.made(after)) if count.inserts or count.updates else ()
        ended = versions.read(before, ids.ended(before)) if count.updates or count.deletes else ()
        if max(len(made), len(ended)) > MOST_ROWS:
            return None
        return TableRows(
            count.table,
            versions.key,
            [versions.cells(row, self._mask) for row in versions.unseen_by(after, ended)],
            [versions.cells(row, self._mask) for row in versions.unseen_by(before, made)],
        )


WHY_UNREAD = {QUERY_CANCELED: "reading it took too long", LOCK_NOT_AVAILABLE: "it is locked"}


def _since(start: Row[Any] | None, now: Row[Any], name: str) -> TableCount:
    return TableCount(
        table=name,
        inserts=now.inserts - (start.inserts if start else 0),
        updates=now.updates - (start.updates if start else 0),
        deletes=now.deletes - (start.deletes if start else 0),
        exact=False,
    )


@contextmanager
def _in_time(connection: Connection, deadline: float) -> Iterator[None]:
    """A savepoint, so that a statement that is cancelled does not end the transaction."""
    with connection.begin_nested():
        left = max(1, round(1000 * (deadline - time.monotonic())))
        _set(connection, "statement_timeout", f"{left}ms")
        yield


def _set(connection: Connection, name: str, value: str) -> None:
    """SET LOCAL: until the transaction ends."""
    connection.execute(select(func.set_config(name, value, True)))


def _make_text_canonical(connection: Connection) -> None:
    """The same value has the same text, whatever the role, the database or a handler has set."""
    settings = {"TimeZone": "UTC", "DateStyle": "ISO", "bytea_output": "hex"}
    for name, value in settings.items():
        _set(connection, name, value)
