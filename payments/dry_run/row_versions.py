"""The versions of a table's rows that one transaction made or ended, on PostgreSQL."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Row,
    Select,
    Text,
    case,
    cast,
    column,
    func,
    literal_column,
    or_,
    select,
    table,
    text,
)

from payments.dry_run.values import LONGEST_READ, cell_of_text
from payments.dry_run.values import Row as Cells
from payments.observability.masking import Masker

# Versions of one table that are read; with more the table is only counted.
MOST_ROWS = 1000
# Ids are 32 bits wide, and begin again.
IDS = 2**32
XMIN: ColumnElement[Any] = literal_column("xmin")
XMAX: ColumnElement[Any] = literal_column("xmax")
CTID: ColumnElement[Any] = cast(literal_column("ctid"), Text)

COLUMNS = text(
    "SELECT a.attname, t.typname, array_position(i.indkey::int2[], a.attnum) AS place"
    " FROM pg_attribute a JOIN pg_type t ON t.oid = a.atttypid"
    " LEFT JOIN pg_index i ON i.indrelid = a.attrelid AND i.indisprimary"
    " WHERE a.attrelid = :relid AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum"
)


@dataclass(frozen=True)
class OwnIds:
    """The ids that a transaction and its savepoints may have, and the multixacts they may be in.

    Attributes:
        first: the transaction's own; without the epoch.
        span: so many follow it at most.
        first_multixact: the first that was made after the transaction began.
    """

    first: int
    span: int
    first_multixact: int

    def made(self, connection: Connection) -> ColumnElement[bool]:
        """The condition on versions that are new, for a query on `connection`."""
        return self._include(connection, XMIN)

    def ended(self, connection: Connection) -> ColumnElement[bool]:
        """The condition on versions that are updated, deleted, or only locked."""
        multixacts = func.mxid_age(xid(self.first_multixact))
        return or_(self._include(connection, XMAX), func.mxid_age(XMAX).between(1, multixacts))

    def _include(self, connection: Connection, id: ColumnElement[Any]) -> ColumnElement[bool]:
        # age() counts from the transaction that asks, so each connection has its own bounds.
        age = connection.execute(select(func.age(xid(self.first)))).scalar_one()
        return func.age(id).between(age - self.span, age)


class Versions:
    """Reads the versions of one table's rows."""

    def __init__(self, connection: Connection, relid: int, name: str, schema: str) -> None:
        columns = connection.execute(COLUMNS, {"relid": relid}).all()
        self._types = {row.attname: str(row.typname) for row in columns}
        self._table = table(name, *map(column, self._types), schema=schema)
        with_place = [(row.place, row.attname) for row in columns if row.place is not None]
        self.key = [name for _, name in sorted(with_place)]

    def read(self, connection: Connection, condition: ColumnElement[bool]) -> Sequence[Row[Any]]:
        """At most MOST_ROWS + 1: the ctid, then each column's text, and its digest if it is cut."""
        read = [CTID]
        for name in self._types:
            whole = cast(self._table.c[name], Text)
            read.append(func.left(whole, LONGEST_READ))
            read.append(case((func.length(whole) > LONGEST_READ, func.md5(whole))))
        query = self._only(select(*read)).where(condition).limit(MOST_ROWS + 1)
        return connection.execute(query).all()

    def unseen_by(self, connection: Connection, versions: Sequence[Row[Any]]) -> list[Row[Any]]:
        """Those of `versions` that `connection` does not see."""
        if not versions:
            return []
        same = text("ctid = ANY(CAST(:ctids AS tid[]))").bindparams(ctids=[v[0] for v in versions])
        seen = set(connection.execute(self._only(select(CTID)).where(same)).scalars())
        return [version for version in versions if version[0] not in seen]

    def cells(self, version: Row[Any], mask: Masker) -> Cells:
        values: tuple[str | None, ...] = tuple(version)[1:]
        return {
            name: cell_of_text(beginning, digest, type_name, mask)
            for (name, type_name), beginning, digest in zip(
                self._types.items(), values[::2], values[1::2], strict=True
            )
        }

    def _only(self, query: Select[Any]) -> Select[Any]:
        """Without the tables that inherit from it: they are counted by themselves."""
        return query.select_from(self._table).with_hint(self._table, "ONLY", "postgresql")


def xid(id: int) -> ColumnElement[Any]:
    return literal_column(f"CAST('{id:d}' AS xid)")


def own_id(connection: Connection) -> int:
    """The id of the connection's transaction, taken now if it has none; without the epoch."""
    id: int = connection.execute(select(func.txid_current())).scalar_one()
    return id % IDS


def next_multixact(connection: Connection) -> int:
    """The id that the next multixact will have."""
    since_first: int = connection.execute(select(func.mxid_age(xid(1)))).scalar_one()
    return (since_first + 1) % IDS
