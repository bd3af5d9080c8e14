"""What a transaction changed, on SQLite.

TEMP triggers on every table write down which rows a statement inserts, updates or deletes. They
are made inside the dry run's transaction, so they are gone when it is rolled back, and belong to
its connection, so nobody else's statements meet them. The rows after are then read by this
connection; the rows before by a second one, which in WAL mode sees the database without our
changes, and nobody else can change it meanwhile, because we hold the write lock.

A row is known by its rowid, or in a table WITHOUT ROWID by its primary key.

REPLACE deletes rows without calling delete triggers, unless `recursive_triggers` is on. That is
switched on here where the database has no triggers of its own, and so cannot notice. Where it has,
the rows are counted, and a warning tells if some were replaced unseen.

Not seen: virtual tables, which have no triggers, and deferred foreign keys, which SQLite checks
only at COMMIT.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

from payments.database import SQLITE_BUSY_SECONDS, snapshot
from payments.dry_run.comparing import Observed, TableRows
from payments.dry_run.result import TableCount
from payments.dry_run.values import Row, cell_of_value
from payments.errors import HandlerMisuse
from payments.observability.masking import Masker

# All other writers wait meanwhile, and none should have to give up.
HANDLER_SECONDS = SQLITE_BUSY_SECONDS - 1
MOST_ROWS = 1000
# Fewer than the 999 parameters that an old SQLite takes, also for keys of two columns.
ROWS_AT_ONCE = 400
LOG = "payments_dry_run_log"


@dataclass(frozen=True)
class _Table:
    """A table: its columns, its primary key, and the columns that tell a row from another."""

    number: int
    name: str
    columns: tuple[str, ...]
    key: tuple[str, ...]
    identity: tuple[str, ...]

    @property
    def quoted(self) -> str:
        return f"main.{_quoted(self.name)}"


class SQLite:
    """One dry run's transaction, on the connection that is given."""

    handler_seconds = HANDLER_SECONDS

    def __init__(self, connection: Connection, mask: Masker) -> None:
        self._connection = connection
        driver = connection.connection.driver_connection
        assert isinstance(driver, sqlite3.Connection)
        self._driver = driver
        self._mask = mask
        self._ended = False
        self._tables: list[_Table] = []

    def begin(self) -> None:
        run = self._connection.exec_driver_sql
        self._tables = list(_tables(self._connection))
        self._own_triggers = bool(
            run("SELECT 1 FROM sqlite_master WHERE type = 'trigger' LIMIT 1").all()
        )
        if not self._own_triggers:
            run("PRAGMA recursive_triggers = ON")
        widest = max((len(table.identity) for table in self._tables), default=1)
        keys = ", ".join(f"k{number}" for number in range(widest))
        run(f"CREATE TEMP TABLE {LOG} (number, kind, {keys})")
        for table in self._tables:
            for trigger in _triggers(table):
                run(trigger)
        self._driver.set_authorizer(self._authorize)

    def interrupt(self) -> None:
        self._driver.interrupt()

    def settle(self) -> None:
        """Raises HandlerMisuse if the transaction is not the one that was begun."""
        if self._ended:
            raise HandlerMisuse

    def is_refused_end(self, error: BaseException) -> bool:
        """Whether a handler tried to end the transaction by itself."""
        return self._ended

    def observe(self) -> Observed:
        """The rows that this transaction changed."""
        observed = Observed()
        with snapshot() as session:
            before = session.connection()
            if self._schema_version(before) != self._schema_version(self._connection):
                observed.schema_changes.append("The schema is changed; that itself is not shown.")
            for table in self._tables:
                if (count := self._count(table)).total:
                    self._read(before, table, count, observed)
        return observed

    def _authorize(self, action: int, what: str | None, *_: str | None) -> int:
        """Refuse COMMIT, and whatever comes after the transaction's end: it would be kept.

        SQLite ends a transaction by itself for `INSERT OR ROLLBACK` and where the disk is full.
        """
        is_end = action == sqlite3.SQLITE_TRANSACTION and what == "COMMIT"
        if is_end or not self._driver.in_transaction:
            self._ended = True
            return sqlite3.SQLITE_DENY
        return sqlite3.SQLITE_OK

    def _schema_version(self, connection: Connection) -> Any:
        return connection.exec_driver_sql("PRAGMA main.schema_version").scalar_one()

    def _count(self, table: _Table) -> TableCount:
        query = f"SELECT kind, count(*) FROM temp.{LOG} WHERE number = ? GROUP BY kind"  # noqa: S608
        found = self._connection.exec_driver_sql(query, (table.number,))
        counts: dict[str, int] = {kind: count for kind, count in found}  # noqa: C416
        return TableCount(
            table=table.name,
            inserts=counts.get("insert", 0),
            updates=counts.get("update", 0),
            deletes=counts.get("delete", 0),
            exact=False,
        )

    def _read(
        self, before: Connection, table: _Table, count: TableCount, observed: Observed
    ) -> None:
        touched = self._touched(table)
        if len(touched) > MOST_ROWS:
            observed.counts.append(count)
            why = f"more than {MOST_ROWS} rows are touched"
            observed.warnings.append(f"{table.name} is only counted: {why}.")
            return
        try:
            rows = TableRows(
                table.name,
                table.key,
                list(self._rows(before, table, touched)),
                list(self._rows(self._connection, table, touched)),
            )
        except DBAPIError:
            # The table is dropped or altered, or holds text that is not text.
            observed.counts.append(count)
            observed.warnings.append(f"{table.name} is only counted: reading it failed.")
            return
        observed.tables.append(rows)
        if self._own_triggers and self._replaced_unseen(before, table, rows):
            observed.warnings.append(f"{table.name}: rows that REPLACE deletes are not shown.")

    def _touched(self, table: _Table) -> Sequence[tuple[Any, ...]]:
        keys = ", ".join(f"k{number}" for number in range(len(table.identity)))
        query = f"SELECT DISTINCT {keys} FROM temp.{LOG} WHERE number = ? LIMIT {MOST_ROWS + 1}"  # noqa: S608
        found = self._connection.exec_driver_sql(query, (table.number,))
        return [tuple(row) for row in found]

    def _rows(
        self, connection: Connection, table: _Table, identities: Sequence[tuple[Any, ...]]
    ) -> Iterator[Row]:
        columns = ", ".join(map(_quoted, table.columns))
        identity = ", ".join(map(_quoted, table.identity))
        one = f"({', '.join('?' * len(table.identity))})"
        at_once = max(1, ROWS_AT_ONCE // len(table.identity))
        for start in range(0, len(identities), at_once):
            some = identities[start : start + at_once]
            query = (
                f"SELECT {columns} FROM {table.quoted}"  # noqa: S608
                f" WHERE ({identity}) IN (VALUES {', '.join([one] * len(some))})"
            )
            parameters = tuple(value for key in some for value in key)
            for values in connection.exec_driver_sql(query, parameters):
                cells = (cell_of_value(value, self._mask) for value in values)
                yield dict(zip(table.columns, cells, strict=True))

    def _replaced_unseen(self, before: Connection, table: _Table, rows: TableRows) -> bool:
        """Whether more rows are gone than the triggers tell of."""
        query = f"SELECT count(*) FROM {table.quoted}"  # noqa: S608
        was = before.exec_driver_sql(query).scalar_one()
        now = self._connection.exec_driver_sql(query).scalar_one()
        return bool(now - was != len(rows.after) - len(rows.before))


def _tables(connection: Connection) -> Iterator[_Table]:
    """The ordinary tables, without SQLite's own and those inside a virtual table."""
    run = connection.exec_driver_sql
    found = run(
        "SELECT name, sql LIKE 'CREATE VIRTUAL %' FROM sqlite_master WHERE type = 'table'"
        " AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' ORDER BY name"
    ).all()
    virtual = [name for name, is_virtual in found if is_virtual]
    ordinary = [name for name, is_virtual in found if not is_virtual]
    for number, name in enumerate(ordinary):
        if any(name.startswith(f"{other}_") for other in virtual):
            continue
        info = run(f"PRAGMA main.table_xinfo({_quoted(name)})").mappings().all()
        columns = tuple(row["name"] for row in info)
        key = tuple(row["name"] for row in sorted(info, key=lambda row: row["pk"]) if row["pk"])
        table = _Table(number, name, columns, key, key)
        yield replace(table, identity=(rowid,)) if (rowid := _rowid(connection, table)) else table


def _rowid(connection: Connection, table: _Table) -> str | None:
    """The rowid's name that no column has taken; None in a table WITHOUT ROWID."""
    taken = {column.lower() for column in table.columns}
    free = next((name for name in ("rowid", "_rowid_", "oid") if name not in taken), None)
    if free is None:
        return None
    try:
        connection.exec_driver_sql(f"SELECT {free} FROM {table.quoted} LIMIT 0")  # noqa: S608
    except DBAPIError:
        return None
    return free


def _triggers(table: _Table) -> Iterator[str]:
    for kind, sides in (("insert", ("new",)), ("update", ("old", "new")), ("delete", ("old",))):
        body = " ".join(_note(table, kind, side) for side in sides)
        name = f"payments_dry_run_{table.number}_{kind}"
        yield (
            f"CREATE TEMP TRIGGER {name} AFTER {kind.upper()} ON {table.quoted} BEGIN {body} END"
        )


def _note(table: _Table, kind: str, side: str) -> str:
    keys = ", ".join(f"k{number}" for number in range(len(table.identity)))
    values = ", ".join(f"{side}.{_quoted(name)}" for name in table.identity)
    # An update is noted under both keys, and counted once.
    kind = "moved" if (kind, side) == ("update", "new") else kind
    return f"INSERT INTO {LOG} (number, kind, {keys}) VALUES ({table.number}, '{kind}', {values});"  # noqa: S608


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
