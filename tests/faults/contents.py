"""Everything that a database and a Redis hold, to be put back as often as it is needed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import redis
from sqlalchemy import Connection, Engine, Table, delete, insert, select, text

from payments.extensions import Base
from tests.faults.handlers import EFFECTS

Rows = dict[Table, list[dict[str, Any]]]
Keys = dict[bytes, bytes]


@dataclass(frozen=True)
class Contents:
    """Rows by table, parents first, and Redis's keys."""

    rows: Rows
    keys: Keys

    @classmethod
    def of(cls, engine: Engine, client: redis.Redis) -> Contents:
        with engine.connect() as connection:
            rows = {table: _rows(connection, table) for table in _tables()}
        return cls(rows, keys_of(client))

    def put_back(self, engine: Engine, client: redis.Redis) -> None:
        with engine.begin() as connection:
            _delete_all(connection)
            for table, rows in self.rows.items():
                if rows:
                    connection.execute(insert(table), rows)
        put_keys_back(client, self.keys)


def keys_of(client: redis.Redis) -> Keys:
    return {key: client.dump(key) for key in client.scan_iter()}


def put_keys_back(client: redis.Redis, keys: Keys) -> None:
    client.flushall()
    for key, value in keys.items():
        client.restore(key, 0, value)


def empty(engine: Engine, client: redis.Redis) -> None:
    """As after the migrations: the next row of each table has the id 1."""
    with engine.begin() as connection:
        _delete_all(connection)
        if connection.dialect.name == "postgresql":
            names = ", ".join(table.name for table in _tables())
            connection.execute(text(f"TRUNCATE {names} RESTART IDENTITY CASCADE"))
    client.flushall()


def _tables() -> list[Table]:
    return [*Base.metadata.sorted_tables, EFFECTS]


def _rows(connection: Connection, table: Table) -> list[dict[str, Any]]:
    return [dict(row) for row in connection.execute(select(table)).mappings()]


def _delete_all(connection: Connection) -> None:
    for table in reversed(_tables()):
        connection.execute(delete(table))
