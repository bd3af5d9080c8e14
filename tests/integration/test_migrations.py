"""Migrations go up and down on both databases, and say what the models say."""

from __future__ import annotations

from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from flask_migrate import downgrade, upgrade
from sqlalchemy import inspect

from payments.extensions import Base, db
from tests.support.application import Application


def tables() -> set[str]:
    return set(inspect(db.engine).get_table_names()) - {"alembic_version"}


def test_down_to_nothing_and_up_again_gives_the_same_tables(application: Application) -> None:
    with application.app.app_context():
        before = tables()
        downgrade(revision="base")
        assert tables() == set()
        upgrade()
        assert tables() == before
    assert application.deliver().status_code == 200


def test_the_migrations_make_what_the_models_describe(application: Application) -> None:
    with application.app.app_context(), db.engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, Base.metadata) == []
