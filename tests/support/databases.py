"""A database for a service that a whole module of tests shares."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine, create_engine, inspect

from payments.extensions import Base


@contextlib.contextmanager
def empty_database(kind: str, folder: Path, request: pytest.FixtureRequest) -> Iterator[str]:
    """The URL of an empty database, "sqlite" or "postgresql"; the latter is emptied afterwards."""
    if kind == "sqlite":
        yield f"sqlite:///{folder / 'payments.db'}"
        return
    url = request.getfixturevalue("migrated_postgresql")
    with connected(url) as engine:
        before = set(inspect(engine).get_table_names())
    yield url
    with connected(url) as engine, engine.begin() as connection:
        ours = ", ".join(table.name for table in Base.metadata.sorted_tables)
        connection.exec_driver_sql(f"TRUNCATE {ours} RESTART IDENTITY CASCADE")
        for name in set(inspect(engine).get_table_names()) - before:
            connection.exec_driver_sql(f'DROP TABLE "{name}"')


@contextlib.contextmanager
def connected(url: str) -> Iterator[Engine]:
    engine = create_engine(url.replace("postgresql://", "postgresql+psycopg://"))
    try:
        yield engine
    finally:
        engine.dispose()
