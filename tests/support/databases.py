"""A database for a service that a whole module of tests shares."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from flask_migrate import upgrade
from sqlalchemy import Engine, create_engine, inspect

from payments.app import create_app
from payments.extensions import Base
from tests.support.application import BASE_ENVIRONMENT, Application, settings_for

# Beyond it, dead rows would make the next tests slower than new files are.
FEW_BYTES = 2_000_000
SIZE = "SELECT sum(pg_relation_size(relid)) FROM pg_stat_user_tables"
SEQUENCES = (
    "SELECT setval(seqrelid, seqstart, false) FROM pg_sequence"
    " JOIN pg_class ON pg_class.oid = seqrelid WHERE relnamespace = 'public'::regnamespace"
)


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
    empty_tables(url)
    with connected(url) as engine, engine.begin() as connection:
        for name in set(inspect(engine).get_table_names()) - before:
            connection.exec_driver_sql(f'DROP TABLE "{name}"')


@contextlib.contextmanager
def connected(url: str) -> Iterator[Engine]:
    engine = create_engine(url.replace("postgresql://", "postgresql+psycopg://"))
    try:
        yield engine
    finally:
        engine.dispose()


def migrate(url: str, var_dir: Path) -> None:
    """Bring the database up to date, as `flask db upgrade` does, but in this process."""
    settings = settings_for(**BASE_ENVIRONMENT, DATABASE_URL=url, VAR_DIR=str(var_dir))
    application = Application(create_app(settings))
    with application.app.app_context():
        upgrade()
    application.close()


def empty_tables(url: str) -> None:
    """Our tables in PostgreSQL are as new.

    TRUNCATE makes new files for each table and index. For the few rows of most tests, DELETE is
    twenty times faster.
    """
    with psycopg.connect(url) as connection:
        [size] = connection.execute(SIZE).fetchone() or [0]
        if size > FEW_BYTES:
            names = ", ".join(table.name for table in Base.metadata.sorted_tables)
            connection.execute(f"TRUNCATE {names} RESTART IDENTITY CASCADE")
            return
        for table in reversed(Base.metadata.sorted_tables):
            connection.execute(str(table.delete()))
        connection.execute(SEQUENCES)
