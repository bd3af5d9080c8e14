"""How Alembic finds the database and the models: from the current Flask application."""

from __future__ import annotations

import logging

from alembic import context
from flask import current_app
from sqlalchemy import text

import payments.models  # noqa: F401  (fills the metadata)
from payments.extensions import db

# Any number; two hosts that start at once must agree on it.
ADVISORY_LOCK = 7_265_118_201


def run() -> None:
    logging.getLogger("alembic.runtime.migration").setLevel(logging.INFO)
    options = current_app.extensions["migrate"].configure_args
    with db.engine.connect() as connection:
        context.configure(
            connection=connection,
            target_metadata=db.metadata,
            # SQLite's too: payments/database.py begins the transactions itself, so DDL is in them.
            transactional_ddl=True,
            **options,
        )
        with context.begin_transaction():
            if connection.dialect.name == "postgresql":
                # The second of two hosts waits here, and then finds nothing left to do.
                connection.execute(text(f"SELECT pg_advisory_xact_lock({ADVISORY_LOCK})"))
            context.run_migrations()


if context.is_offline_mode():
    raise SystemExit("Migrations run against a database: leave out --sql.")
run()
